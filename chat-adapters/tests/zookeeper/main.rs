//! What is ZooKeeper's own, beyond the contract of the port: kills and stalls of a real ZooKeeper that the tests start, lost
//! connections, sessions that expire, names announced twice, users, and entries that are no announcements.

#![expect(clippy::unwrap_used, reason = "functions that tests share are tests too")]
#![expect(clippy::indexing_slicing, reason = "functions that tests share are tests too")]

mod closing;
mod connections;
#[path = "../counted/mod.rs"]
mod counted;
mod lines;
#[path = "../lines_of_log/mod.rs"]
mod lines_of_log;
mod metrics;
mod names;
mod outages;
mod rights;
mod scene;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    lines_of_log::listen();
    metrics::install();
    let trials = [
        closing::trials(),
        connections::trials(),
        lines::trials(),
        metrics::trials(),
        names::trials(),
        outages::trials(),
        rights::trials(),
    ];
    let mut arguments = Arguments::from_args();
    // They wait for time-outs more than they compute.
    arguments.test_threads.get_or_insert(4);
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}
