//! `chat bench`, from arguments to the result.

use std::fs;

use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::args::{BenchArguments, Scenario};
use super::context::Bench;
use super::merge::merge_files;
use super::report::Report;
use super::table::table;
use super::{catch_up, direct, group, history, idle, logins, mix, reconnect};
use crate::cli::Failure;
use crate::cli::args::GlobalArguments;

/// Runs a scenario on this thread and prints its result.
pub(crate) fn run(global: &GlobalArguments, arguments: BenchArguments) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let outcome = LocalSet::new().block_on(&runtime, run_scenario(global, arguments));
    // Standard input may be waited for, and must not hold the process.
    runtime.shutdown_background();
    outcome
}

async fn run_scenario(global: &GlobalArguments, arguments: BenchArguments) -> Result<(), Failure> {
    if global.tls || global.ca.is_some() || global.server.contains("tls://") {
        return Err(Failure::Usage(
            "a load speaks no TLS; name an address of the server that is in the clear".to_owned(),
        ));
    }
    let bench = Bench::new(&global.server, arguments.common)?;
    let report = match &arguments.scenario {
        Scenario::Direct(arguments) => direct::run(&bench, arguments).await,
        Scenario::Group(arguments) => group::run(&bench, arguments).await,
        Scenario::Logins(arguments) => logins::run(&bench, arguments).await,
        Scenario::Reconnect(arguments) => reconnect::run(&bench, arguments).await,
        Scenario::CatchUp(arguments) => catch_up::run(&bench, arguments).await,
        Scenario::History(arguments) => history::run(&bench, arguments).await,
        Scenario::Idle(arguments) => idle::run(&bench, arguments).await,
        Scenario::Mix(arguments) => mix::run(&bench, arguments).await,
        Scenario::Merge { files } => merge_files(files),
    };
    bench.progress.end();
    let report = report?;
    if let Some(file) = &bench.common.json_file {
        fs::write(file, report.to_json()? + "\n")?;
    }
    print(global, &report)
}

/// Prints a result, and answers whether it is a good one.
fn print(global: &GlobalArguments, report: &Report) -> Result<(), Failure> {
    if global.json {
        println!("{}", report.to_json()?);
    } else {
        print!("{}", table(report));
    }
    report.outcome()
}
