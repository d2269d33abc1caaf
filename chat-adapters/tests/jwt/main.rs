//! Tokens of an application's own login: which are taken, which are refused, and keys that change.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the steps that several tests share are test code too"
)]

mod fixture;
mod keys;
mod login;
mod refused;
mod rotation;
mod taken;
