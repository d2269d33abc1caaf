//! TLS of a real server: on both of its addresses, with certificates that are replaced while it runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod crowd;
mod handshakes;
mod memory;
mod replaced;
mod scene;
#[path = "../support/mod.rs"]
mod support;
#[path = "../writers/mod.rs"]
mod writers;
