//! The TCP transport with real sockets in front of a chat in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../counted/mod.rs"]
mod counted;
#[cfg(feature = "tls")]
mod encrypted;
mod fixture;
mod frames;
mod hooks;
mod proxy;
