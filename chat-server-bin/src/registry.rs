//! What the event log holds of the registry.

use std::time::Duration;

use chat_core::Chat;
use chat_core::ports::Level;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// The time that the registry has for its first answer before it counts as away.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// The task that records when the registry goes away and when it is back, until `stop`.
pub(crate) async fn record(chat: Chat, away: watch::Receiver<bool>, stop: CancellationToken) {
    // Cancel safe: nothing is left half done between two records.
    stop.run_until_cancelled(record_each(&chat, away, FIRST_ANSWER))
        .await;
}

async fn record_each(chat: &Chat, mut away: watch::Receiver<bool>, first_answer: Duration) {
    // Whoever does not answer in time is told of as away below.
    let _ = timeout(first_answer, away.wait_for(|away| !away)).await;
    while away.wait_for(|away| *away).await.is_ok() {
        let since = Instant::now();
        let error = "there is no session with the registry; the backends known last stay in use";
        chat.record(Level::Warn, "registry_lost", fields("error", error));
        if away.wait_for(|away| !away).await.is_err() {
            break;
        }
        let away_ms = since.elapsed().as_micros() as f64 / 1_000.0;
        chat.record(Level::Info, "registry_regained", fields("away_ms", away_ms));
    }
    // The registry is closed, and nothing more is heard of it.
    std::future::pending().await
}

fn fields(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat_core::NodeRole;
    use chat_core::memory::{MemoryBackends, MemoryLog};
    use chat_core::ports::LogRecord;
    use tokio::time::sleep;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// What is recorded of a registry.
    struct Stage {
        log: Arc<MemoryLog>,
        chat: Chat,
        away: watch::Sender<bool>,
    }

    impl Stage {
        fn new() -> Self {
            let log = Arc::new(MemoryLog::default());
            let mut backends = MemoryBackends::default().backends();
            backends.log = Arc::clone(&log) as _;
            Self {
                log,
                chat: Chat::builder(backends).role(NodeRole::Backend).start(),
                away: watch::channel(true).0,
            }
        }

        fn records(&self) -> Vec<LogRecord> {
            let records = self.log.records().into_iter();
            records
                .filter(|record| record.event.starts_with("registry"))
                .collect()
        }

        /// The last of so many records, once they are there.
        async fn record(&self, number: usize) -> LogRecord {
            let wait = async {
                while self.records().len() < number {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(LONG, wait).await.unwrap();
            self.records().remove(number - 1)
        }

        /// Lets the registry do something while it is recorded.
        async fn recorded(&self, first_answer: Duration, script: impl AsyncFnOnce()) {
            // Cancel safe: the recording never ends by itself.
            tokio::select! {
                () = record_each(&self.chat, self.away.subscribe(), first_answer) => {}
                () = script() => {}
            }
        }
    }

    #[tokio::test]
    async fn a_registry_that_answers_soon_was_never_lost() {
        let stage = Stage::new();
        let answer = async || {
            for is_away in [false, true] {
                stage.away.send_replace(is_away);
                // Both sides take their turns, in any order.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(stage.record(1).await.event, "registry_lost", "now it is");
        };
        stage.recorded(LONG, answer).await;
        assert_eq!(stage.records().len(), 1);
    }

    #[tokio::test]
    async fn every_loss_and_every_return_is_recorded_with_the_time_between() {
        let stage = Stage::new();
        let away = Duration::from_millis(20);
        let go_and_come = async || {
            for number in [1, 3] {
                stage.away.send_replace(true);
                let lost = stage.record(number).await;
                assert_eq!((lost.event.as_str(), lost.level), ("registry_lost", Level::Warn));
                assert!(lost.fields["error"].is_string());
                sleep(away).await;
                stage.away.send_replace(false);
                let back = stage.record(number + 1).await;
                assert_eq!(
                    (back.event.as_str(), back.level),
                    ("registry_regained", Level::Info)
                );
                let away_ms = back.fields["away_ms"].as_f64().unwrap();
                assert!((20.0..60_000.0).contains(&away_ms), "{away_ms}");
            }
        };
        stage.recorded(Duration::ZERO, go_and_come).await;
        assert_eq!(stage.records().len(), 4);
    }
}
