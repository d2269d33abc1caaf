//! The WebSocket transport in a router with real sockets, in front of a chat in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../counted/mod.rs"]
mod counted;
mod counters;
mod fixture;
mod frames;
mod handshakes;
mod peers;
mod users;
