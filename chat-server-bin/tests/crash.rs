//! A server that is killed while many write loses nothing that it said was sent.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;
mod writers;

use std::time::Duration;

use chat_test_services::free_port;
use support::Server;
use writers::{Crowd, Fronts, Plan, seed};

const PLAN: Plan = Plan {
    users: 50,
    listeners: 5,
    group_size: 10,
    at_the_door: 5,
    pause: Duration::from_millis(50),
};
const ROUNDS: usize = 20;
/// How long the writers may take to be as they should be; only a failure waits that long.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn what_was_sent_survives_kills_and_is_delivered_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let http = free_port().unwrap();
    let mut server = Server::start(&["--store", &store, "--http", &http.to_string()]);
    // Each comes now by TCP and now by WebSocket.
    let fronts = Fronts::both(server.address(), http);
    let mut crowd = Crowd::register(fronts, PLAN, "user", seed());

    crowd.write();
    for round in 1..=ROUNDS {
        crowd.wait_until_all_are_live(DEADLINE);
        crowd.pass(50..300);
        server.kill();
        let losses = round * crowd.devices();
        crowd.wait_until("all see the kill", DEADLINE, |report| report.losses >= losses);
        server.restart();
    }
    crowd.settle(DEADLINE);

    let report = crowd.report();
    println!("{report:?}");
    assert!(report.cut_off >= ROUNDS, "the kills met too few sends");
    assert!(report.membership_changes > 0, "nobody came or went");
    assert_eq!(crowd.violations(), []);
}
