//! What a node writes into the event log: every record of `docs/log.md`, with its fields, and nothing
//! that does not belong there.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the steps that several tests share are test code too"
)]

mod accounts;
mod all;
mod backends;
mod hooks;
mod limits;
mod log;
mod node;
mod readiness;
mod role;
mod schema;
mod secrets;
mod stage;
mod status;
