//! The files of `deploy/`: nginx and systemd take theirs, the server takes the settings in them, and what
//! names something else, such as a metric, names something that is there.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and without the feature `cluster` some parts rest"
)]

mod compose;
#[cfg(all(feature = "cluster", feature = "kafka"))]
mod expression;
#[cfg(all(feature = "cluster", feature = "kafka"))]
mod monitoring;
mod nginx;
#[path = "../support/mod.rs"]
mod support;
mod unit;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = nginx::trials();
    trials.extend(compose::trials());
    trials.extend(unit::trials());
    #[cfg(all(feature = "cluster", feature = "kafka"))]
    trials.extend(monitoring::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A file of `deploy/`.
fn deployed(name: &str) -> String {
    let path = format!("{}/../deploy/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The variables of an environment file.
fn variables(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A test that needs nothing but the files.
fn test(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// The settings as the server reads them, from these variables.
#[cfg(feature = "cluster")]
fn settings(variables: &[(String, String)]) -> toml::Table {
    let environment: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let ended = support::run(&["check-config"], &environment);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    toml::from_str(&ended.stdout).unwrap()
}
