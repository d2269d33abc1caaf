//! The log on standard error.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use super::{Listener, TELLS_EACH_ATTEMPT};
use crate::config::{LogFormat, Settings};
use crate::failure::Failure;

/// Which lines are written; can be changed while the program runs.
#[derive(Clone, Debug)]
pub(crate) struct Levels(Handle<EnvFilter, Registry>);

impl Levels {
    /// From now on these.
    pub(crate) fn set(&self, log_level: &str) -> Result<(), Failure> {
        let changed = self.0.reload(filter(log_level)?);
        changed.map_err(|error| Failure::from(anyhow::Error::new(error)))
    }
}

/// What writes the lines.
pub(super) fn listener(settings: &Settings) -> Result<(Listener, Levels), Failure> {
    let (filter, handle) = reload::Layer::new(filter(&settings.log_level)?);
    let lines = fmt::layer().with_writer(stderr);
    let listener = match settings.log_format {
        LogFormat::Text => lines
            .with_ansi(stderr().is_terminal())
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    Ok((listener, Levels(handle)))
}

fn filter(log_level: &str) -> Result<EnvFilter, Failure> {
    // What comes later wins: whoever names it in the setting hears it.
    let directives = format!("{TELLS_EACH_ATTEMPT}=off,{log_level}");
    EnvFilter::try_new(directives).map_err(|error| Failure::setting(format!("`log_level` is wrong: {error}")))
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn each_attempt_to_connect_to_zookeeper_is_told_only_where_it_is_asked_for() {
        let told = |log_level: &str| {
            let lines = Registry::default().with(filter(log_level).unwrap());
            tracing::subscriber::with_default(lines, || {
                let own = tracing::enabled!(target: "chat_adapters::zookeeper", Level::WARN);
                (
                    own,
                    tracing::enabled!(target: "zookeeper_client::session", Level::WARN),
                )
            })
        };
        assert_eq!(told("info"), (true, false));
        assert_eq!(told("info,zookeeper_client=warn"), (true, true));
    }
}
