//! The node's own voice: what it records in the event log, its host also hears of by `tracing`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::ports::{EventLog, Level, LogRecord};
use crate::types::NodeId;

/// The target of the `tracing` events that repeat the node's records.
///
/// Each such event has the name of the record as its message and the record's fields, as JSON, in the field
/// `fields`. What comes at the rate of clients, and `node_started` with all its settings, is at the level `DEBUG`,
/// everything else at that of the record.
/// A host that writes `tracing` events into the event log, as records `traced`, must pass over this target.
pub const RECORD_TARGET: &str = "chat_core::record";

/// The event of records that repeat `tracing` events, which are not repeated once more.
const TRACED: &str = "traced";

/// Events that are too many, or too long, to be read on a screen.
const QUIET: &[&str] = &[
    "node_started",
    "session_opened",
    "session_closed",
    "user_registered",
    "logged_in",
    "login_failed",
    "status",
];

/// Numbers a node's records and hands them to the event log. Never waits.
#[derive(Debug)]
pub(crate) struct Journal {
    node: NodeId,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    /// Held while a record is handed over, so that the log gets them in the order of their numbers.
    last_number: Mutex<u64>,
}

impl Journal {
    pub(crate) fn new(node: NodeId, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Self {
        Self {
            node,
            log,
            clock,
            last_number: Mutex::new(0),
        }
    }

    /// Records what happened; a field that is null is left out. Fields hold no password, no token, no
    /// message text and no name in clear.
    pub(crate) fn record<const N: usize>(&self, level: Level, event: &str, fields: [(&str, Value); N]) {
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        self.record_all(level, event, fields.collect());
    }

    /// The same for fields that are a map already, which are all kept.
    pub(crate) fn record_all(&self, level: Level, event: &str, fields: Map<String, Value>) {
        trace(level, event, &fields);
        let mut last_number = self.last_number.lock().unwrap_or_else(PoisonError::into_inner);
        *last_number += 1;
        self.log.append(LogRecord {
            at: self.clock.now(),
            node: self.node.clone(),
            number: *last_number,
            level,
            event: event.to_owned(),
            fields,
        });
    }
}

/// A duration as records have it: in milliseconds, to the microsecond.
pub(crate) fn millis(duration: Duration) -> Value {
    (duration.as_micros() as f64 / 1_000.0).into()
}

/// Repeats a record as a `tracing` event. What is shown is made only where somebody looks.
fn trace(level: Level, event: &str, fields: &Map<String, Value>) {
    if event == TRACED {
        return;
    }
    let fields = (!fields.is_empty()).then(|| tracing::field::display(Json(fields)));
    match level {
        Level::Info if QUIET.contains(&event) => tracing::debug!(target: RECORD_TARGET, fields, "{event}"),
        Level::Info => tracing::info!(target: RECORD_TARGET, fields, "{event}"),
        Level::Warn => tracing::warn!(target: RECORD_TARGET, fields, "{event}"),
        Level::Error => tracing::error!(target: RECORD_TARGET, fields, "{event}"),
    }
}

/// Fields as JSON.
struct Json<'a>(&'a Map<String, Value>);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}
