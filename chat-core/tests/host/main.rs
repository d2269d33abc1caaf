//! What the application does among its users: system users, history, sessions.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the steps that several tests share are test code too"
)]

mod fixture;
mod history;
mod messages;
mod sessions;
