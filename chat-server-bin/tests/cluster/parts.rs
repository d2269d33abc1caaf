//! The parts of a cluster die, come back and break as other tests rely on.

use std::io::ErrorKind;
use std::time::Duration;

use chat_test_services::eventually;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Cluster, Links, Plan};
use crate::support::Wire;

/// How long an answer that must not come is waited for.
const SILENCE: Duration = Duration::from_millis(300);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::test(
            "parts::nodes_die_and_come_back_and_drain_while_others_serve",
            nodes_die_and_come_back_and_drain_while_others_serve,
        ),
        crate::test("parts::links_break_and_heal", links_break_and_heal),
        crate::test(
            "parts::mariadb_keeps_and_redis_loses_what_it_has",
            mariadb_keeps_and_redis_loses_what_it_has,
        ),
    ]
}

fn register(wire: &mut Wire, name: &str) -> Value {
    wire.request(&json!({"type": "register", "ref": name, "name": name, "password": "correct horse"}))
}

fn nodes_die_and_come_back_and_drain_while_others_serve() {
    let mut cluster = Cluster::start(&Plan::default());
    let mut wires: Vec<Wire> = (0..3).map(|node| cluster.connect_to(node)).collect();
    for (wire, name) in wires.iter_mut().zip(["alice", "bob", "carol"]) {
        wire.begin_here_as(name);
    }
    assert_eq!(cluster.nodes_that_served(), 3);

    cluster.nodes[0].kill();
    assert_eq!(wires[0].next_frame(), None, "the connection ends with its node");
    for _ in 0..4 {
        assert_eq!(
            cluster.connect().request(&json!({"type": "ping", "ref": 1}))["type"],
            "pong"
        );
    }
    let address = cluster.nodes[0].address();
    cluster.nodes[0].restart();
    assert_eq!(cluster.nodes[0].address(), address);
    cluster.connect_to(0).begin_here_as("dave");
    assert!(
        cluster.events(0).len() > 2,
        "what was recorded before the kill is kept"
    );

    cluster.nodes[1].signal_to_end();
    assert_eq!(wires[1].frame()["code"], "server_draining");
    let ended = cluster.nodes[1].wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn links_break_and_heal() {
    let cluster = Cluster::start(&Plan {
        links: Links::Breakable,
        ..Plan::default()
    });
    let mut wire = cluster.connect_to(0);
    assert_eq!(register(&mut wire, "alice")["type"], "registered");

    cluster.store_link().stall().unwrap();
    wire.send(&json!({"type": "register", "ref": 1, "name": "bob", "password": "correct horse"}));
    assert!(is_silent(&wire), "the node reached its store");
    cluster.store_link().resume().unwrap();
    assert_eq!(wire.frame()["type"], "registered");

    cluster.bus_link().cut().unwrap();
    wire.begin_here_as("carol");
    let sent = wire.request(&json!({"type": "send", "ref": 2, "to": {"user": 1}, "body": "without a bus"}));
    assert_eq!(sent["type"], "sent", "{sent}");
    cluster.bus_link().resume().unwrap();
}

/// Whether nothing comes.
fn is_silent(wire: &Wire) -> bool {
    let socket = wire.socket();
    let usual = socket.read_timeout().unwrap();
    socket.set_read_timeout(Some(SILENCE)).unwrap();
    let peeked = socket.peek(&mut [0]);
    socket.set_read_timeout(usual).unwrap();
    peeked.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn mariadb_keeps_and_redis_loses_what_it_has() {
    let mut cluster = Cluster::start(&Plan::default());
    assert_eq!(register(&mut cluster.connect(), "alice")["type"], "registered");
    cluster.mariadb().kill().unwrap();
    cluster.mariadb().restart().unwrap();
    cluster.redis.restart().unwrap();
    let names = cluster.database.rows("SELECT name FROM User ORDER BY id");
    assert_eq!(names, ["alice"]);
    eventually("the nodes find their store again", || {
        let reply = register(&mut cluster.connect(), "bob");
        (reply["type"] == "registered" || reply["code"] == "name_taken").then_some(())
    })
    .unwrap();
}
