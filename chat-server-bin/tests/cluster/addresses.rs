//! The client's address survives nginx.

use chat_test_services::connect_from;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Cluster, Plan};
use crate::support::Wire;

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "addresses::a_client_is_limited_by_its_own_address_behind_nginx",
        a_client_is_limited_by_its_own_address_behind_nginx,
    )]
}

fn a_client_is_limited_by_its_own_address_behind_nginx() {
    let cluster = Cluster::start(&Plan {
        settings: vec!["limits.connections_per_address = 1".to_owned()],
        ..Plan::default()
    });
    let connect = |client: [u8; 4]| {
        let socket = connect_from(client.into(), cluster.address()).expect("nginx takes connections");
        let mut wire = Wire::of(&socket);
        wire.send(&json!({"type": "ping"}));
        let answer = wire.frame();
        (wire, answer)
    };
    // Each of three nodes takes one connection of an address, so that the fourth is refused wherever it comes.
    let (mut open, answers): (Vec<Wire>, Vec<Value>) = (0..4).map(|_| connect([127, 0, 0, 2])).unzip();
    assert_eq!(answers[0]["type"], "pong", "{answers:?}");
    assert_eq!(answers[3]["code"], "too_many_connections", "{answers:?}");
    // nginx counts the refused connection until both of its sides are closed, and would pass its node over.
    assert_eq!(open[3].rest(), Vec::<Value>::new());
    // By now each node has a connection from nginx, and would refuse another one were it nginx that counted.
    let others: Vec<_> = (0..3).map(|_| connect([127, 0, 0, 3])).collect();
    for (_, answer) in &others {
        assert_eq!(answer["type"], "pong", "{others:?}");
    }
}
