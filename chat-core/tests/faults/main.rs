//! What users see while backends fail, and what they get when they reach a limit.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the steps that several tests share are test code too"
)]

mod connections;
mod endings;
mod fixture;
mod logins;
mod memberships;
mod presence;
mod stores;
mod without_hints;
