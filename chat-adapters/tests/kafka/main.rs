//! What is Kafka's own, beyond the contract of the port: faults on the mock cluster of librdkafka, and kills and
//! stalls of a real Kafka that the tests start.

#![expect(clippy::unwrap_used, reason = "functions that tests share are tests too")]
#![expect(clippy::indexing_slicing, reason = "functions that tests share are tests too")]

mod away;
mod broker;
#[path = "../counted/mod.rs"]
mod counted;
mod faults;
mod lines;
#[path = "../lines_of_log/mod.rs"]
mod lines_of_log;
mod metrics;
mod mock;
mod reading;
mod scene;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    lines_of_log::listen();
    metrics::install();
    let trials = [
        away::trials(),
        broker::trials(),
        faults::trials(),
        lines::trials(),
        metrics::trials(),
        reading::trials(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit_code()
}
