//! A server that is asked to end while many write answers what it took, says goodbye and ends well.

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
use writers::{Crowd, Fronts, Plan};

const PLAN: Plan = Plan {
    users: 20,
    listeners: 5,
    group_size: 10,
    at_the_door: 0,
    pause: Duration::ZERO,
};
const ROUNDS: usize = 3;
/// How long the writers may take to be as they should be; only a failure waits that long.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn draining_answers_what_was_accepted_and_says_when_to_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let http = free_port().unwrap();
    let mut server = Server::start(&["--store", &store, "--drain", "100ms", "--http", &http.to_string()]);
    // Each comes now by TCP and now by WebSocket.
    let fronts = Fronts::both(server.address(), http);
    let mut crowd = Crowd::register(fronts, PLAN, "user", 7);

    crowd.write();
    for round in 1..=ROUNDS {
        crowd.wait_until_all_are_live(DEADLINE);
        crowd.pass(20..100);
        server.signal_to_end();
        let ended = server.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let told = round * crowd.devices();
        crowd.wait_until("every session is told", DEADLINE, |report| {
            report.goodbyes.get("server_draining") == Some(&told)
        });
        assert_eq!(
            crowd.report().goodbyes_with_a_time,
            told,
            "each says when to come back"
        );
        server.restart();
    }
    crowd.settle(DEADLINE);

    let report = crowd.report();
    println!("{report:?}");
    assert!(report.sent > PLAN.users, "too little was sent before the end");
    assert_eq!(report.losses, 0, "a session ended without a goodbye");
    assert!(report.cut_off > 0, "nothing had to be sent again");
    // What got no answer was not taken, or else the answer would have come before the goodbye.
    assert_eq!(report.duplicates, 0, "something was stored and not answered");
    assert_eq!(crowd.violations(), []);
}
