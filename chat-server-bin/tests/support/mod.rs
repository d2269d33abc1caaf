//! A real server process and a raw client, for tests that go through a socket.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "every test program uses its own part of this"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bystanders;
pub mod events;
pub mod http;
mod process;
mod server;
mod wire;

pub use bystanders::Bystanders;
pub use process::{Ended, failure, run, run_on};
pub use server::Server;
pub use wire::Wire;
