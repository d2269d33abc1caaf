//! Several servers behind nginx behave as one, on real MariaDB and Redis.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod addresses;
#[cfg(feature = "grpc")]
mod backends;
#[path = "../web/browser.rs"]
#[allow(dead_code, reason = "the web client's own tests use the rest")]
mod browser;
mod database;
mod devices;
#[path = "../web/emulation.rs"]
#[allow(dead_code, reason = "the web client's own tests use the rest")]
mod emulation;
mod encrypted;
mod faults;
mod front;
mod harness;
mod injection;
mod launch;
#[cfg(feature = "kafka")]
mod log;
mod losses;
mod metrics;
#[path = "../notation/mod.rs"]
mod notation;
#[path = "../web/page.rs"]
#[allow(dead_code, reason = "the web client's own tests use the rest")]
mod page;
mod pages;
mod parts;
mod people;
#[path = "../player/mod.rs"]
mod player;
mod presence;
mod protocol;
mod readiness;
mod removed;
#[path = "../scrape/mod.rs"]
#[allow(dead_code, reason = "the test of the page uses the rest")]
mod scrape;
mod stage;
#[path = "../support/mod.rs"]
mod support;
#[path = "../writers/mod.rs"]
mod writers;

use std::process::ExitCode;

use anyhow::Result;
use chat_test_services::{Service, trial};
use libtest_mimic::{Arguments, Failed, Trial};

/// What every test here needs.
const NEEDS: &[Service] = &[Service::MySql, Service::Redis, Service::Nginx];

fn main() -> Result<ExitCode> {
    if let Some(done) = faults::run_as_child() {
        return done;
    }
    let arguments = Arguments::from_args();
    let mut trials = protocol::trials()?;
    trials.extend(addresses::trials());
    trials.extend(parts::trials());
    trials.extend(losses::trials());
    trials.extend(injection::trials());
    trials.extend(devices::trials());
    trials.extend(encrypted::trials());
    trials.extend(removed::trials());
    trials.extend(presence::trials());
    trials.extend(readiness::trials());
    trials.extend(metrics::trials());
    trials.extend(pages::trials());
    trials.extend(faults::trials());
    #[cfg(feature = "grpc")]
    trials.extend(backends::trials()?);
    #[cfg(feature = "kafka")]
    trials.extend(log::trials());
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// A test that fails by panicking.
fn test(name: &str, run: fn()) -> Trial {
    fallible(name, move || {
        run();
        Ok(())
    })
}

/// A test that fails by an error, or by panicking.
fn fallible(name: &str, run: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    needing(NEEDS, name, run)
}

/// The same where it needs other services.
fn needing(
    needs: &'static [Service],
    name: &str,
    run: impl FnOnce() -> Result<()> + Send + 'static,
) -> Trial {
    trial(name, needs, move || {
        run().map_err(|error| Failed::from(format!("{error:#}")))
    })
}
