//! What was appended and not yet taken on its way.

use std::collections::VecDeque;
use std::time::Instant;

use chat_core::ports::LogRecord;

/// A record that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// How many records were taken before it.
    pub(super) index: u64,
    pub(super) taken_at: Instant,
    pub(super) record: LogRecord,
}

/// The records that wait, at most so many, the oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    capacity: usize,
    records: VecDeque<Waiting>,
    taken: u64,
    dropped: u64,
}

impl Ring {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            records: VecDeque::new(),
            taken: 0,
            dropped: 0,
        }
    }

    /// Takes a record, and drops the oldest where there is no room. Says whether it is the only one that waits.
    pub(super) fn push(&mut self, record: LogRecord) -> bool {
        let was_empty = self.records.is_empty();
        if self.records.len() == self.capacity {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(Waiting {
            index: self.taken,
            taken_at: Instant::now(),
            record,
        });
        self.taken += 1;
        was_empty
    }

    /// Lets go of up to so many of the oldest.
    pub(super) fn pop(&mut self, most: usize) -> Vec<Waiting> {
        let count = most.min(self.records.len());
        self.records.drain(..count).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many records were taken since the start.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}
