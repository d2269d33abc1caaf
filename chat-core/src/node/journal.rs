//! The node's own voice in the event log.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::clock::Clock;
use crate::ports::{EventLog, Level, LogRecord};
use crate::types::NodeId;

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

    /// Records what happened. Fields hold no password, no token and no message text.
    pub(crate) fn record<const N: usize>(&self, level: Level, event: &str, fields: [(&str, Value); N]) {
        let mut last_number = self.last_number.lock().unwrap_or_else(PoisonError::into_inner);
        *last_number += 1;
        self.log.append(LogRecord {
            at: self.clock.now(),
            node: self.node.clone(),
            number: *last_number,
            level,
            event: event.to_owned(),
            fields: fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        });
    }
}
