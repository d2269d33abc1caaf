//! Nothing is missing, and everything is in order.

use std::collections::{BTreeMap, BTreeSet};

use chat_test_services::Kafka;
use serde_json::json;

use super::records::{Records, number};
use super::stage::{NODES, Stage};

/// What happens on each node of this test.
const EVENTS: [&str; 10] = [
    "node_started",
    "node_ready",
    "user_registered",
    "logged_in",
    "login_failed",
    "session_opened",
    "status",
    "session_closed",
    "node_draining",
    "node_stopped",
];
/// What still happens on a node that drains: a login that was under way is finished.
const OF_THE_END: [&str; 5] = [
    "logged_in",
    "session_opened",
    "session_closed",
    "status",
    "node_stopped",
];

/// People write on two nodes, come and go, and one fails to log in; then the nodes end.
pub(super) fn two_nodes_write_all_they_do() {
    let mut stage = Stage::start(Kafka::start().unwrap(), &[]);
    stage.write();
    for node in 0..NODES {
        let login = json!({"type": "login", "ref": 1, "name": "nobody", "password": "wrong horse"});
        let refused = stage.cluster.connect_to(node).request(&login);
        assert_eq!(refused["type"], "error", "{refused}");
    }
    stage.come_and_go_until("people come and go", |records| {
        records.of("session_closed").count() > 20 && records.of("status").count() > 3
    });
    stage.nobody_noticed();
    for (in_file, in_kafka) in stage.end() {
        in_kafka.are_whole();
        assert_eq!(in_kafka.missing_of(&in_file), 0);
        let counts = in_kafka.counts();
        assert!(
            EVENTS.iter().all(|&event| counts.contains_key(event)),
            "{counts:?}"
        );
        begins_and_ends(&in_kafka);
        sessions_are_whole(&in_kafka);
    }
}

/// A node's first record says what it is, and its last ones that it ends.
fn begins_and_ends(records: &Records) {
    assert_eq!(records.0.first().unwrap().event, "node_started");
    assert_eq!(records.0.last().unwrap().event, "node_stopped");
    let drain = records
        .0
        .iter()
        .skip_while(|record| record.event != "node_draining");
    let after: BTreeSet<&str> = drain.skip(1).map(|record| record.event.as_str()).collect();
    assert!(after.is_subset(&BTreeSet::from(OF_THE_END)), "{after:?}");
}

/// Every session that was opened was closed once, after that, and with the same user.
fn sessions_are_whole(records: &Records) {
    let mut open = BTreeMap::new();
    for record in &records.0 {
        let who = || (number(record, "session"), number(record, "user"));
        match record.event.as_str() {
            "session_opened" => {
                let (session, user) = who();
                assert_eq!(open.insert(session, user), None, "{record:?}");
            }
            "session_closed" => {
                let (session, user) = who();
                assert_eq!(open.remove(&session), Some(user), "{record:?}");
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} were never closed");
}
