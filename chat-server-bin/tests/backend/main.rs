//! A node and its backends, as processes that meet through sockets: what users see, how they end, TLS between them, and
//! ZooKeeper to find each other.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod ends;
mod listed;
mod registered;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut trials = listed::trials();
    trials.extend(ends::trials());
    trials.extend(tls::trials());
    trials.extend(registered::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that needs nothing but the program.
fn test(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}
