//! `/readyz` of a node follows its store: away when it is killed or stalls, and back with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chat_test_services::eventually;
use libtest_mimic::Trial;

use crate::harness::{Cluster, Plan};
use crate::support::http::{Answer, get};

/// How soon a node knows: the store is asked every 0.5 s and has 1 s to answer.
const SOON: Duration = Duration::from_secs(2);
/// What a machine may add on which everything else is tested at the same time.
const BUSY: Duration = Duration::from_secs(2);

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "readiness::a_node_is_ready_exactly_while_its_store_is_there",
        a_node_is_ready_exactly_while_its_store_is_there,
    )]
}

fn a_node_is_ready_exactly_while_its_store_is_there() {
    let mut cluster = Cluster::start(&Plan {
        nodes: 1,
        ..Plan::default()
    });
    let http = cluster.nodes[0].http();
    assert_eq!(get(http, "/readyz").body, "ready\n");

    cluster.mariadb().kill().unwrap();
    becomes(http, 503);
    cluster.mariadb().restart().unwrap();
    becomes(http, 200);

    cluster.mariadb().freeze().unwrap();
    becomes(http, 503);
    assert_eq!(
        get(http, "/healthz").status,
        200,
        "the process is alive all the same"
    );
    cluster.mariadb().thaw();
    becomes(http, 200);
}

/// From what has just happened to this answer it takes no longer than it may.
fn becomes(http: SocketAddr, status: u16) {
    let happened = Instant::now();
    let answer: Answer = eventually(&format!("/readyz answers {status}"), || {
        let answer = get(http, "/readyz");
        (answer.status == status).then_some(answer)
    })
    .unwrap();
    let waited = happened.elapsed();
    println!("{status} after {waited:?}");
    assert!(waited < SOON + BUSY, "{status} only after {waited:?}");
    let body = if status == 200 { "ready\n" } else { "store_away\n" };
    assert_eq!(answer.body, body);
}
