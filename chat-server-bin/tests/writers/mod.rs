//! Users who write to each other all the time, and keep a record of all they saw.

#![allow(
    dead_code,
    unused_imports,
    reason = "every test program uses its own part of this"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod crowd;
mod door;
mod outbox;
mod plan;
mod session;
mod shared;
mod wire;
mod writer;

pub(crate) use crowd::Crowd;
pub(crate) use plan::Plan;
pub(crate) use shared::Report;
pub(crate) use wire::Fronts;

/// The seed of this run, and how to have the same one again.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("CHAT_TEST_SEED").ok().map_or_else(
        || fastrand::u64(..),
        |text| text.parse().expect("CHAT_TEST_SEED is a number"),
    );
    println!("run again with CHAT_TEST_SEED={seed}");
    seed
}
