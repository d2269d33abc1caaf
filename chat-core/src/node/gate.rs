//! The way to the stores: every call has a deadline, and the store's health is watched.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use super::health::{Health, Mark, Reads};
use super::journal::Journal;
use super::meters::BackendMeters;
use super::record_rate::RecordRate;
use super::spans;
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
    health: Health,
    journal: Arc<Journal>,
    defect_records: RecordRate,
}

/// What came of asking a backend whether it is there.
#[derive(Debug)]
pub(crate) enum Probed {
    /// Its health knows.
    Told,
    /// It answered what cannot be right.
    Defect(BackendError),
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("backend", &self.meters.backend)
            .field("health", &self.health)
            .finish()
    }
}

impl Gate {
    pub(crate) fn new(
        meters: BackendMeters,
        reads: Reads,
        timeout: Duration,
        retry_after: Duration,
        journal: Arc<Journal>,
    ) -> Self {
        meters.available.set(1.0);
        Self {
            health: Health::new(meters.backend, reads, Arc::clone(&journal)),
            meters,
            timeout,
            retry_after,
            journal,
            defect_records: RecordRate::default(),
        }
    }

    pub(crate) fn is_available(&self) -> bool {
        self.health.is_available()
    }

    /// Whether it is away, and only a write can show that it is back.
    pub(crate) fn awaits_write(&self) -> bool {
        self.health.awaits_write()
    }

    /// What is counted and measured of its calls.
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
        let (began_at, began) = (Instant::now(), self.health.mark(access));
        let call = call.instrument(spans::of_call(self.meters.backend, access));
        let answered = timeout_at(deadline, call).await;
        self.meters.ended(access, began_at.elapsed());
        let result = answered.unwrap_or_else(|_| {
            self.meters.timed_out();
            match access {
                Access::Read => Err(BackendError::not_done("no answer in time")),
                Access::Write | Access::Append => Err(BackendError::unknown("no answer in time")),
            }
        });
        match &result {
            Ok(_) => self.answered(access),
            Err(error) if error.kind() == BackendErrorKind::Broken => self.record_defect(error),
            Err(error) => self.failed(access, began, error),
        }
        result
    }

    /// Asks the backend whether it is there. The call is not measured, and a defect is left to the
    /// caller.
    pub(crate) async fn probe<T>(
        &self,
        time: Duration,
        access: Access,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Probed {
        let began = self.health.mark(access);
        let late = |_| Err(BackendError::not_done("no answer in time to whether it is there"));
        match timeout(time, call).await.unwrap_or_else(late) {
            Ok(_) => self.answered(access),
            Err(error) if error.kind() == BackendErrorKind::Broken => return Probed::Defect(error),
            Err(error) => self.failed(access, began, &error),
        }
        Probed::Told
    }

    /// Counts that an answer cannot be right, and records it unless many others were just now.
    pub(crate) fn record_defect(&self, error: &BackendError) {
        self.meters.defects.increment(1);
        if !self.defect_records.take() {
            return;
        }
        let fields = [
            ("backend", self.meters.backend.into()),
            ("error", chain(error).into()),
        ];
        self.journal.record(Level::Error, "defect", fields);
    }

    fn answered(&self, access: Access) {
        if self.health.answered(access) {
            self.meters.available.set(1.0);
        }
    }

    fn failed(&self, access: Access, began: Mark, error: &BackendError) {
        self.meters.errors.increment(1);
        if self.health.failed(access, began, error) {
            self.meters.available.set(0.0);
        }
    }
}
