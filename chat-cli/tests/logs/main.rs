//! `chat logs` and `chat top`, the binary itself, on what nodes have written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

mod files;
mod follow;
mod setting;
mod terminal;
mod top;
