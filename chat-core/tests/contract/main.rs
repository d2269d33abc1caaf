//! The contract suites on the in-memory backends, plain and behind a wrapper without faults, and on
//! broken fakes that must fail.

mod fixtures;

use std::process::ExitCode;
use std::sync::Arc;

use chat_core::contract::{self, Outcome};
use fixtures::{Bus, JsonLog, Log, Presence, Registry, Store};
use libtest_mimic::{Arguments, Completion, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let suites = [
        contract::stores("memory", Store::default),
        contract::bus("memory", Bus::default),
        contract::presence("memory", Presence::default),
        contract::event_log("memory", Log::default),
        contract::event_log("json_lines", JsonLog::default),
        contract::registry("memory", Registry::default),
    ];
    let trials = suites
        .into_iter()
        .flatten()
        .map(|trial| to_mimic(trial, &runtime));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn to_mimic(trial: contract::Trial, runtime: &Arc<Runtime>) -> Trial {
    let runtime = Arc::clone(runtime);
    Trial::ignorable_test(trial.name().to_owned(), move || {
        Ok(match runtime.block_on(trial.run())? {
            Outcome::Passed => Completion::Completed,
            Outcome::Ignored(reason) => Completion::ignored_with(reason),
        })
    })
}
