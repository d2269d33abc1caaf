//! What is SQLite's own, beyond the contract of the ports.

#![expect(clippy::unwrap_used, reason = "functions that tests share are tests too")]

mod cancelling;
mod crash;
mod offline_messages;
mod opening;
mod scene;
