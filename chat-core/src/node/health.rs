//! Whether a backend is there, and what is recorded when that changes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::gate::Access;
use super::journal::{Journal, millis};
use crate::error::{BackendError, chain};
use crate::ports::Level;

/// What an answered read says of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// That it works.
    ProveAll,
    /// That it can be read. A store may be read-only, or locked against writes, and still be read.
    ProveReads,
}

/// How calls to one backend go, all together.
#[derive(Debug)]
pub(super) struct Health {
    backend: &'static str,
    reads: Reads,
    journal: Arc<Journal>,
    available: AtomicBool,
    answered_reads: AtomicU64,
    answered_writes: AtomicU64,
    /// Since when it is away. Held while that is recorded, so that losses and returns take turns.
    loss: Mutex<Option<Loss>>,
}

#[derive(Clone, Copy, Debug)]
struct Loss {
    since: Instant,
    /// Whether only an answered write ends it.
    of_writes: bool,
}

/// What had been answered when a call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Health {
    pub(super) const fn new(backend: &'static str, reads: Reads, journal: Arc<Journal>) -> Self {
        Self {
            backend,
            reads,
            journal,
            available: AtomicBool::new(true),
            answered_reads: AtomicU64::new(0),
            answered_writes: AtomicU64::new(0),
            loss: Mutex::new(None),
        }
    }

    pub(super) fn is_available(&self) -> bool {
        self.available.load(Ordering::Acquire)
    }

    /// Whether it is away, and only an answered write can show that it is back.
    pub(super) fn awaits_write(&self) -> bool {
        self.loss().is_some_and(|loss| loss.of_writes)
    }

    /// A call begins; its end is told with what this answers.
    pub(super) fn mark(&self, access: Access) -> Mark {
        let writes = self.answered_writes.load(Ordering::Relaxed);
        Mark(if self.needs_write(access) {
            writes
        } else {
            writes + self.answered_reads.load(Ordering::Relaxed)
        })
    }

    /// A call was answered. Answers whether the backend had been away until then.
    pub(super) fn answered(&self, access: Access) -> bool {
        let answered = match access {
            Access::Read => &self.answered_reads,
            Access::Write | Access::Append => &self.answered_writes,
        };
        answered.fetch_add(1, Ordering::Relaxed);
        if self.is_available() {
            return false;
        }
        let mut loss = self.loss();
        let is_over = |loss: &mut Loss| !loss.of_writes || access != Access::Read;
        let Some(Loss { since, .. }) = loss.take_if(is_over) else {
            return false;
        };
        self.available.store(true, Ordering::Release);
        let fields = [("away_ms", millis(since.elapsed()))];
        self.journal
            .record(Level::Info, &format!("{}_regained", self.backend), fields);
        true
    }

    /// A call failed. It counts only where no other one like it was answered since it began: a few that
    /// an overloaded backend could not take do not make it away. Answers whether that made it so.
    pub(super) fn failed(&self, access: Access, began: Mark, error: &BackendError) -> bool {
        if self.mark(access) != began {
            return false;
        }
        let of_writes = self.needs_write(access);
        let mut loss = self.loss();
        if let Some(loss) = &mut *loss {
            loss.of_writes |= of_writes;
            return false;
        }
        *loss = Some(Loss {
            since: Instant::now(),
            of_writes,
        });
        self.available.store(false, Ordering::Release);
        let fields = [("error", chain(error).into())];
        self.journal
            .record(Level::Warn, &format!("{}_lost", self.backend), fields);
        true
    }

    fn needs_write(&self, access: Access) -> bool {
        self.reads == Reads::ProveReads && access != Access::Read
    }

    fn loss(&self) -> MutexGuard<'_, Option<Loss>> {
        self.loss.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::SystemClock;
    use crate::memory::MemoryLog;
    use crate::types::NodeId;

    fn health(reads: Reads) -> (Health, Arc<MemoryLog>) {
        let log = Arc::new(MemoryLog::default());
        let node = NodeId::parse("n1").unwrap();
        let journal = Journal::new(node, Arc::clone(&log) as _, Arc::new(SystemClock));
        (Health::new("store", reads, Arc::new(journal)), log)
    }

    fn events(log: &MemoryLog) -> Vec<String> {
        log.records().into_iter().map(|record| record.event).collect()
    }

    fn fail(health: &Health, access: Access) {
        let error = BackendError::not_done("gone");
        health.failed(access, health.mark(access), &error);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_and_a_return_are_recorded_once_each_with_the_time_between() {
        let (health, log) = health(Reads::ProveAll);
        for _ in 0..3 {
            fail(&health, Access::Read);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(!health.is_available());
        health.answered(Access::Read);
        health.answered(Access::Read);
        assert!(health.is_available());
        assert_eq!(events(&log), ["store_lost", "store_regained"]);
        assert_eq!(log.records()[1].fields["away_ms"], 3_000.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_after_which_others_were_answered_does_not_count() {
        let (health, log) = health(Reads::ProveReads);
        let error = BackendError::not_done("too late");
        let began = health.mark(Access::Read);
        health.answered(Access::Write);
        health.failed(Access::Read, began, &error);
        assert!(health.is_available());
        let began = health.mark(Access::Write);
        health.answered(Access::Read);
        health.failed(Access::Write, began, &error);
        assert!(!health.is_available(), "reads do not show that it can be written");
        assert_eq!(events(&log), ["store_lost"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_cannot_be_written_is_away_although_it_can_be_read() {
        let (health, log) = health(Reads::ProveReads);
        fail(&health, Access::Read);
        fail(&health, Access::Append);
        health.answered(Access::Read);
        assert!(!health.is_available());
        assert!(health.awaits_write());
        health.answered(Access::Write);
        assert!(health.is_available());
        assert_eq!(events(&log), ["store_lost", "store_regained"]);
    }
}
