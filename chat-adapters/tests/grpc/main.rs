//! The RPC between nodes and backends: what fails, what is made again, and what neither side does to the other.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adversaries;
mod backend;
#[path = "../counted/mod.rs"]
mod counted;
mod counters;
mod encrypted;
mod losses;
mod newer;
mod proto;
mod random;
mod registry;
mod retries;
mod scene;
mod scripted;
mod serving;
mod sizes;
mod telling;
mod together;
mod trusting;
