//! The contract of the ports, on every backend of this crate.
#![expect(clippy::expect_used, reason = "a test binary without a harness of its own")]

#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "zookeeper")]
mod zookeeper;

use std::process::ExitCode;
use std::sync::Arc;

use chat_core::contract::{self, Outcome};
use libtest_mimic::{Arguments, Completion, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let trials = trials().into_iter().map(|trial| to_mimic(&runtime, trial));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    #[cfg(feature = "mysql")]
    runtime.block_on(mysql::clean_up());
    conclusion.exit_code()
}

/// Every suite of every backend that is built in, one file a backend.
fn trials() -> Vec<contract::Trial> {
    let backends: Vec<Vec<contract::Trial>> = vec![
        #[cfg(feature = "grpc")]
        grpc::trials(),
        #[cfg(feature = "kafka")]
        kafka::trials(),
        #[cfg(feature = "mysql")]
        mysql::trials(),
        #[cfg(feature = "redis")]
        redis::trials(),
        #[cfg(feature = "sqlite")]
        sqlite::trials(),
        #[cfg(feature = "zookeeper")]
        zookeeper::trials(),
    ];
    backends.into_iter().flatten().collect()
}

/// All cases share a runtime of several threads, which finds races.
fn to_mimic(runtime: &Arc<Runtime>, trial: contract::Trial) -> Trial {
    let runtime = Arc::clone(runtime);
    Trial::ignorable_test(trial.name().to_owned(), move || {
        Ok(match runtime.block_on(trial.run())? {
            Outcome::Passed => Completion::Completed,
            Outcome::Ignored(reason) => Completion::ignored_with(reason),
        })
    })
}
