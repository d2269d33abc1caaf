//! What is Redis' own, beyond the contract of the ports: losses, stalls, restarts, users and TLS,
//! on real servers that the tests start, break and restart.

#![expect(clippy::unwrap_used, reason = "functions that tests share are tests too")]
#![expect(clippy::panic, reason = "functions that tests share are tests too")]
#![expect(clippy::indexing_slicing, reason = "functions that tests share are tests too")]

mod access;
mod batches;
mod cluster;
#[path = "../counted/mod.rs"]
mod counted;
mod encrypted;
mod losses;
mod presence;
mod scene;
mod upgrades;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = [
        access::trials(),
        batches::trials(),
        cluster::trials(),
        encrypted::trials(),
        losses::trials(),
        presence::trials(),
        upgrades::trials(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit_code()
}
