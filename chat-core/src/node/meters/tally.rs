//! Counters that the node itself can read.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Counter;

/// A counter for the recorder and, beside it, its value since the node's start.
#[derive(Debug)]
pub(crate) struct Tally {
    counter: Counter,
    total: AtomicU64,
}

impl Tally {
    pub(super) const fn new(counter: Counter) -> Self {
        Self {
            counter,
            total: AtomicU64::new(0),
        }
    }

    pub(crate) fn add(&self, count: u64) {
        self.counter.increment(count);
        self.total.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there were since the node's start.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}
