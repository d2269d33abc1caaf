//! Users who write to each other all the time, and keep a record of all they saw.

#![allow(dead_code, reason = "every test program uses its own part of this")]
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
