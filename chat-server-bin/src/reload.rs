//! SIGHUP: the settings are read again, and what can be applied to a running server is; so is the certificate.

use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use chat_adapters::tls::Certificates;
use chat_core::Chat;
use chat_core::ports::Level;
use serde_json::{Map, Value};

use crate::arguments::Arguments;
use crate::config::Settings;
use crate::failure::Failure;
use crate::telemetry::Levels;

/// The settings that a running server can change. All others count from the next start on.
const APPLICABLE: &[&str] = &["log_level", "drain"];

/// What reads the settings again.
pub(crate) struct Reload {
    /// Where settings come from beside the file.
    pub(crate) arguments: Arguments,
    /// The settings in effect.
    pub(crate) running: watch::Sender<Settings>,
    /// What is said on standard error.
    pub(crate) levels: Levels,
    /// What clients are shown, where there is TLS.
    pub(crate) certificates: Option<Certificates>,
    /// Whose event log tells of it.
    pub(crate) chat: Chat,
}

impl Reload {
    /// The task that reads the settings again at each signal, until `stop`.
    pub(crate) async fn at_each(self, mut hangup: Signal, stop: CancellationToken) {
        loop {
            // Cancel safe: a signal that was not received is still there.
            tokio::select! {
                () = stop.cancelled() => return,
                received = hangup.recv() => match received {
                    Some(()) => self.once(),
                    // No signal will come any more.
                    None => stop.cancelled().await,
                },
            }
        }
    }

    fn once(&self) {
        if let Some(certificates) = &self.certificates {
            // It tells by itself what came of it.
            let _ = certificates.reload();
        }
        match Settings::load(&self.arguments).and_then(|read| self.apply(&read)) {
            Ok(changed) => self
                .chat
                .record(Level::Info, "settings_reloaded", changed.fields()),
            Err(failure) => tracing::warn!(
                error = %failure,
                "the settings stay as they are, because those that were read cannot be used: correct them and send SIGHUP again"
            ),
        }
    }

    fn apply(&self, read: &Settings) -> Result<Changed, Failure> {
        let changed = Changed::between(&self.running.borrow(), read);
        if changed.applied.contains(&"log_level".to_owned()) {
            self.levels.set(&read.log_level)?;
        }
        self.running.send_modify(|running| {
            running.log_level.clone_from(&read.log_level);
            running.drain = read.drain;
        });
        Ok(changed)
    }
}

/// The keys whose values differ.
#[derive(Debug, PartialEq, Eq)]
struct Changed {
    applied: Vec<String>,
    at_next_start: Vec<String>,
}

impl Changed {
    fn between(running: &Settings, read: &Settings) -> Self {
        let running = running.by_key_with_secrets();
        let read = read.by_key_with_secrets();
        let differing = read
            .iter()
            .filter(|(key, value)| running.get(*key) != Some(value));
        let (applied, at_next_start) = differing
            .map(|(key, _)| key.clone())
            .partition(|key| APPLICABLE.contains(&key.as_str()));
        Self {
            applied,
            at_next_start,
        }
    }

    fn fields(self) -> Map<String, Value> {
        Map::from_iter([
            ("applied".to_owned(), self.applied.into()),
            ("at_next_start".to_owned(), self.at_next_start.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_key_and_by_when_it_counts() {
        let running = Settings::default();
        let mut read = running.clone();
        read.log_level = "debug".to_owned();
        read.limits.max_frame += 1;
        // Differs only in what is never shown.
        read.store = "mysql://chat:secret@db/chat".into();
        let mut running = running;
        running.store = "mysql://chat:other@db/chat".into();
        let changed = Changed::between(&running, &read);
        assert_eq!(changed.applied, ["log_level"]);
        assert_eq!(changed.at_next_start, ["limits.max_frame", "store"]);
        let same = Changed::between(&read, &read);
        assert_eq!((same.applied.len(), same.at_next_start.len()), (0, 0));
    }
}
