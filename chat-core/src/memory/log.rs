//! An event log in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::ports::{EventLog, LogRecord, LogStatus};

const CAPACITY: usize = 1_024;

/// The last records, for tests and for a program without operators.
#[derive(Debug)]
pub struct MemoryLog {
    capacity: usize,
    state: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<LogRecord>,
    dropped: u64,
}

impl MemoryLog {
    /// A log of the last `capacity` records, at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            state: Mutex::default(),
        }
    }

    /// The records that are kept, oldest first.
    pub fn records(&self) -> Vec<LogRecord> {
        self.ring().records.iter().cloned().collect()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    fn append(&self, record: LogRecord) {
        let mut ring = self.ring();
        if ring.records.len() == self.capacity {
            ring.records.pop_front();
            ring.dropped += 1;
        }
        ring.records.push_back(record);
    }

    fn status(&self) -> LogStatus {
        LogStatus {
            dropped: self.ring().dropped,
            ..LogStatus::default()
        }
    }

    async fn flush(&self, _deadline: Duration) -> Result<(), BackendError> {
        Ok(())
    }
}
