//! A server that is killed while many write loses nothing that it said was sent.

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

const USERS: usize = 50;
const ROUNDS: usize = 20;

/// The seed of this run, and how to have the same one again.
fn seed() -> u64 {
    let seed = std::env::var("TEST_SEED").ok().map_or_else(
        || fastrand::u64(..),
        |text| text.parse().expect("TEST_SEED is a number"),
    );
    println!("run again with TEST_SEED={seed}");
    seed
}

#[test]
fn what_was_sent_survives_kills_and_is_delivered_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let mut server = Server::start(&["--store", &store]);
    let mut crowd = Crowd::register(&server, USERS, seed());

    let mut cut_off = 0;
    for _ in 0..ROUNDS {
        cut_off += crowd.write_until_the_end(server.address(), 50..300, || server.kill());
        server.restart();
    }
    crowd.settle(server.address());

    println!("{} sends, {cut_off} cut off by {ROUNDS} kills", crowd.sent());
    assert!(cut_off >= ROUNDS, "the kills met too few sends");
    crowd.check().unwrap();
}
