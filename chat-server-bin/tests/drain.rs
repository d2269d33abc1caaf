//! A server that is asked to end while many write answers what it took, says goodbye and ends well.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod history;
mod support;
mod writers;

use support::Server;
use writers::Crowd;

const USERS: usize = 20;
const ROUNDS: usize = 3;

#[test]
fn draining_answers_what_was_accepted_and_says_when_to_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let mut server = Server::start(&["--store", &store, "--drain", "100ms"]);
    let mut crowd = Crowd::register(&server, USERS, 7);

    let mut given_up = Vec::new();
    for _ in 0..ROUNDS {
        crowd.write_until_the_end(server.address(), 20..100, || server.signal_to_end());
        let ended = server.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for goodbye in crowd.last_goodbyes() {
            let goodbye = goodbye.expect("every session is told");
            assert_eq!(goodbye["code"], "server_draining", "{goodbye}");
            assert!(goodbye["retry_after_ms"].as_u64() > Some(0), "{goodbye}");
        }
        given_up.extend(crowd.give_up());
        server.restart();
    }
    assert!(crowd.sent() > USERS, "too little was sent before the end");

    crowd.settle(server.address());
    crowd.check().unwrap();
    // What got no answer was not taken, or else the answer would have come before the goodbye.
    for id in given_up {
        assert!(!crowd.saw(&id), "{id} was stored and not answered");
    }
}
