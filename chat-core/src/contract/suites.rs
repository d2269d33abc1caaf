//! The suites, one for each kind of backend.

use std::sync::Arc;

use super::log::ReadableLog;
use super::runner::{Fixture, Trial, trials};
use crate::ports::{Bus, Presence, Registry, Stores};

/// The suites of all six store ports.
///
/// `backend` names the trials; `fixture` is called once for each case.
pub fn stores<F>(backend: &str, fixture: impl Fn() -> F) -> Vec<Trial>
where
    F: Fixture<Port = Stores>,
{
    let suites = [
        ("users", super::users::cases()),
        ("friends", super::friends::cases()),
        ("groups", super::groups::cases()),
        ("messages", super::messages::cases()),
        ("devices", super::devices::cases()),
        ("tokens", super::tokens::cases()),
    ];
    let run = |(suite, cases)| trials(backend, suite, cases, &fixture);
    suites.into_iter().flat_map(run).collect()
}

/// The suite of [`Presence`].
pub fn presence<F>(backend: &str, fixture: impl Fn() -> F) -> Vec<Trial>
where
    F: Fixture<Port = Arc<dyn Presence>>,
{
    trials(backend, "presence", super::presence::cases(), fixture)
}

/// The suite of [`Bus`].
pub fn bus<F>(backend: &str, fixture: impl Fn() -> F) -> Vec<Trial>
where
    F: Fixture<Port = Arc<dyn Bus>>,
{
    trials(backend, "bus", super::bus::cases(), fixture)
}

/// The suite of [`EventLog`](crate::ports::EventLog), which needs a way to read the records back.
pub fn event_log<F>(backend: &str, fixture: impl Fn() -> F) -> Vec<Trial>
where
    F: Fixture<Port = Arc<dyn ReadableLog>>,
{
    trials(backend, "log", super::log::cases(), fixture)
}

/// The suite of [`Registry`].
pub fn registry<F>(backend: &str, fixture: impl Fn() -> F) -> Vec<Trial>
where
    F: Fixture<Port = Arc<dyn Registry>>,
{
    trials(backend, "registry", super::registry::cases(), fixture)
}
