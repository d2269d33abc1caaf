//! Warnings and errors of the whole program on their way into the event log.
//!
//! They are gathered and written by a task, because whoever says something may hold a lock of the event log, and
//! because there may be no event log yet.

use std::fmt::{self, Debug, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::{EventLog, Level, LogRecord, LogStatus};
use chat_core::{BackendError, Chat, RECORD_TARGET};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Context;

use super::{Listener, TELLS_EACH_ATTEMPT};

/// How many may wait to be written.
const WAITING: usize = 1_024;
/// The longest text of a field, in bytes.
const LONGEST_TEXT: usize = 2_048;

/// What was said and is not written yet.
#[derive(Debug)]
pub(crate) struct Traced {
    waiting: mpsc::Receiver<Said>,
    dropped: Arc<AtomicU64>,
}

/// One warning or error.
#[derive(Debug)]
struct Said {
    level: Level,
    fields: Map<String, Value>,
}

/// What hears of warnings and errors, but for those that repeat a record of the event log.
pub(super) fn listener() -> (Listener, Traced) {
    let (sender, waiting) = mpsc::channel(WAITING);
    let dropped = Arc::<AtomicU64>::default();
    let listener = Gather {
        waiting: sender,
        dropped: Arc::clone(&dropped),
    };
    let listener = listener.with_filter(filter_fn(belongs).with_max_level_hint(LevelFilter::WARN));
    (listener.boxed(), Traced { waiting, dropped })
}

fn belongs(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() <= tracing::Level::WARN
        && target != RECORD_TARGET
        && !target.starts_with(TELLS_EACH_ATTEMPT)
}

impl Traced {
    /// The same event log, which counts as dropped also what was said and found no room on its way there.
    pub(crate) fn counted_in(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(Counting {
            log,
            dropped: Arc::clone(&self.dropped),
        })
    }

    /// The task that writes it as records `traced`, until `stop`, and then what is left.
    pub(crate) async fn record(mut self, chat: Chat, stop: CancellationToken) {
        loop {
            // Cancel safe: what was not received stays in the queue.
            tokio::select! {
                () = stop.cancelled() => break,
                said = self.waiting.recv() => match said {
                    Some(said) => chat.record(said.level, "traced", said.fields),
                    // Nobody listens to what is said: there will be nothing more.
                    None => stop.cancelled().await,
                },
            }
        }
        while let Ok(said) = self.waiting.try_recv() {
            chat.record(said.level, "traced", said.fields);
        }
    }
}

/// The end of the queue that never waits.
struct Gather {
    waiting: mpsc::Sender<Said>,
    dropped: Arc<AtomicU64>,
}

impl<S: Subscriber> Layer<S> for Gather {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if self.waiting.try_send(Said::of(event)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Said {
    fn of(event: &Event<'_>) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let target = event.metadata().target();
        fields.0.insert("target".to_owned(), target.into());
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            _ => Level::Warn,
        };
        Self {
            level,
            fields: fields.0,
        }
    }
}

/// The fields of what was said, the message among them.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = Text::default();
        // Too long a text ends where it is too long.
        let _ = write!(text, "{value:?}");
        self.insert(field, text.0);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = Text::default();
        let _ = text.write_str(value);
        self.insert(field, text.0);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }
}

/// Text of a bounded length.
#[derive(Default)]
struct Text(String);

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST_TEXT.saturating_sub(self.0.len());
        let fitting = text.floor_char_boundary(room);
        self.0.push_str(text.get(..fitting).unwrap_or_default());
        if fitting < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// An event log with what never reached it.
#[derive(Debug)]
struct Counting {
    log: Arc<dyn EventLog>,
    dropped: Arc<AtomicU64>,
}

#[async_trait]
impl EventLog for Counting {
    fn append(&self, record: LogRecord) {
        self.log.append(record);
    }

    fn status(&self) -> LogStatus {
        let status = self.log.status();
        LogStatus {
            dropped: status.dropped + self.dropped.load(Ordering::Relaxed),
            ..status
        }
    }

    async fn flush(&self, deadline: Duration) -> Result<(), BackendError> {
        self.log.flush(deadline).await
    }
}

#[cfg(test)]
mod tests {
    use chat_core::memory::{MemoryBackends, MemoryLog};
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What a node's event log holds of what is said meanwhile.
    async fn traced(say: impl FnOnce()) -> (Vec<LogRecord>, LogStatus) {
        let (listener, traced) = listener();
        let log = Arc::new(MemoryLog::new(2 * WAITING));
        let counting = traced.counted_in(Arc::clone(&log) as _);
        tracing::subscriber::with_default(Registry::default().with(vec![listener]), say);
        let mut backends = MemoryBackends::default().backends();
        backends.log = Arc::clone(&counting);
        let chat = Chat::builder(backends).start();
        let stop = CancellationToken::new();
        stop.cancel();
        traced.record(chat.clone(), stop).await;
        let records = log.records();
        let records = records.into_iter().filter(|record| record.event == "traced");
        (records.collect(), counting.status())
    }

    #[tokio::test]
    async fn warnings_and_errors_become_records_and_nothing_else_does() {
        let (records, _) = traced(|| {
            tracing::info!("ordinary");
            tracing::warn!(target: RECORD_TARGET, "a record already");
            tracing::warn!(target: "zookeeper_client::session", "an attempt");
            tracing::warn!(target: "elsewhere", count = 7_u64, flag = true, text = "a", "first {}", 1);
            tracing::error!(error = %"broken", "second");
        })
        .await;
        let shown: Vec<_> = records
            .iter()
            .map(|record| (record.level, Value::Object(record.fields.clone())))
            .collect();
        let first = serde_json::json!(
            {"target": "elsewhere", "message": "first 1", "count": 7, "flag": true, "text": "a"}
        );
        let second = serde_json::json!({"target": module_path!(), "message": "second", "error": "broken"});
        assert_eq!(shown, [(Level::Warn, first), (Level::Error, second)]);
    }

    #[tokio::test]
    async fn what_finds_no_room_counts_as_dropped() {
        let (records, status) = traced(|| {
            for number in 0..WAITING + 3 {
                tracing::warn!(number);
            }
        })
        .await;
        assert_eq!((records.len(), status.dropped), (WAITING, 3));
    }

    #[tokio::test]
    async fn texts_are_cut_at_a_character() {
        let long = "é".repeat(LONGEST_TEXT);
        let (records, _) = traced(|| tracing::warn!(long, debug = ?long, "{long}")).await;
        let fields = &records.first().unwrap().fields;
        for name in ["long", "debug", "message"] {
            let text = fields[name].as_str().unwrap();
            assert!((LONGEST_TEXT - 1..=LONGEST_TEXT).contains(&text.len()), "{name}");
        }
    }
}
