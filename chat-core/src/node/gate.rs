//! The way to the stores: every call has a deadline, and the store's health is watched.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::journal::Journal;
use super::meters::BackendMeters;
use crate::error::{BackendError, BackendErrorKind, Error, chain};
use crate::ports::Level;

/// Whether a call changes something, which decides what its time-out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// A write of the hot path, which is measured apart: messages are stored, or notices published.
    Append,
}

/// Bounds calls to a backend in time, and reports when it goes away and comes back, once each.
pub(crate) struct Gate {
    meters: BackendMeters,
    timeout: Duration,
    retry_after: Duration,
    available: AtomicBool,
    journal: Arc<Journal>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("backend", &self.meters.backend)
            .field("available", &self.available)
            .finish()
    }
}

impl Gate {
    pub(crate) fn new(
        meters: BackendMeters,
        timeout: Duration,
        retry_after: Duration,
        journal: Arc<Journal>,
    ) -> Self {
        meters.available.set(1.0);
        Self {
            meters,
            timeout,
            retry_after,
            available: AtomicBool::new(true),
            journal,
        }
    }

    pub(crate) fn is_available(&self) -> bool {
        self.available.load(Ordering::Acquire)
    }

    /// What is counted and measured of its calls.
    #[allow(dead_code, reason = "read by the status record")]
    pub(crate) const fn meters(&self) -> &BackendMeters {
        &self.meters
    }

    /// A read whose failure the user is told.
    pub(crate) async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, Error> {
        self.bounded(Access::Read, call)
            .await
            .map_err(|error| Error::from_backend(error, self.retry_after))
    }

    /// A write whose failure the user is told.
    pub(crate) async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, Error> {
        self.bounded(Access::Write, call)
            .await
            .map_err(|error| Error::from_backend(error, self.retry_after))
    }

    /// A call whose failure the caller handles.
    pub(crate) async fn bounded<T>(
        &self,
        access: Access,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        self.bounded_until(Instant::now() + self.timeout, access, call)
            .await
    }

    /// The same for a call that has to end at a time of the caller's.
    pub(crate) async fn bounded_until<T>(
        &self,
        deadline: Instant,
        access: Access,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let began_at = Instant::now();
        let answered = tokio::time::timeout_at(deadline, call).await;
        self.meters.ended(access, began_at.elapsed());
        let result = answered.unwrap_or_else(|_| {
            self.meters.timed_out();
            match access {
                Access::Read => Err(BackendError::not_done("no answer in time")),
                Access::Write | Access::Append => Err(BackendError::unknown("no answer in time")),
            }
        });
        self.watch(&result);
        result
    }

    fn watch<T>(&self, result: &Result<T, BackendError>) {
        let backend = self.meters.backend;
        match result {
            Ok(_) => {
                if !self.available.swap(true, Ordering::AcqRel) {
                    self.meters.available.set(1.0);
                    self.journal
                        .record(Level::Info, &format!("{backend}_regained"), []);
                }
            }
            Err(error) if error.kind() == BackendErrorKind::Broken => {
                self.meters.defects.increment(1);
                let fields = [("backend", backend.into()), ("error", chain(error).into())];
                self.journal.record(Level::Error, "defect", fields);
            }
            Err(error) => {
                self.meters.errors.increment(1);
                if self.available.swap(false, Ordering::AcqRel) {
                    self.meters.available.set(0.0);
                    let fields = [("error", chain(error).into())];
                    self.journal
                        .record(Level::Warn, &format!("{backend}_lost"), fields);
                }
            }
        }
    }
}
