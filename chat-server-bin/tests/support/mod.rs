//! A real server process and a raw client, for tests that go through a socket.

#![allow(dead_code, reason = "every test program uses its own part of this")]

mod process;
mod server;
mod wire;

pub use process::{Ended, run};
pub use server::Server;
pub use wire::Wire;
