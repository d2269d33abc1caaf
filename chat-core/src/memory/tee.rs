//! Several event logs as one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::error::BackendError;
use crate::ports::{EventLog, LogRecord, LogStatus};

/// Writes every record to several logs.
///
/// ```
/// use std::sync::Arc;
/// use chat_core::memory::{JsonLinesLog, MemoryLog, TeeLog};
///
/// let kept = Arc::new(MemoryLog::default());
/// let printed = Arc::new(JsonLinesLog::new(std::io::stderr())?);
/// let log = TeeLog::new(vec![kept, printed]);
/// # let _ = log;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TeeLog {
    logs: Vec<Arc<dyn EventLog>>,
}

impl TeeLog {
    /// All of these logs as one.
    pub const fn new(logs: Vec<Arc<dyn EventLog>>) -> Self {
        Self { logs }
    }
}

#[async_trait]
impl EventLog for TeeLog {
    fn append(&self, record: LogRecord) {
        let Some((last, others)) = self.logs.split_last() else {
            return;
        };
        for log in others {
            log.append(record.clone());
        }
        last.append(record);
    }

    /// The sums over all logs, and the worst of what has no sum.
    fn status(&self) -> LogStatus {
        let all = self.logs.iter().map(|log| log.status());
        all.fold(LogStatus::default(), |sum, one| LogStatus {
            is_away: sum.is_away || one.is_away,
            waiting: sum.waiting + one.waiting,
            dropped: sum.dropped + one.dropped,
            latency: sum.latency.max(one.latency),
        })
    }

    /// Flushes all logs at the same time; answers the first failure once all have answered.
    async fn flush(&self, deadline: Duration) -> Result<(), BackendError> {
        let flushed = join_all(self.logs.iter().map(|log| log.flush(deadline))).await;
        flushed.into_iter().collect()
    }
}
