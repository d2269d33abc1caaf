//! An event log that writes one JSON object a line.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::error::BackendError;
use crate::ports::{EventLog, LogRecord, LogStatus};

const CAPACITY: usize = 8_192;

/// Writes records as JSON lines to anything that implements [`Write`], from a thread of its own.
///
/// Dropping it writes what is waiting and joins the thread. Records that could not be written
/// count as dropped.
///
/// ```
/// use chat_core::memory::JsonLinesLog;
///
/// let log = JsonLinesLog::new(std::io::stderr())?;
/// # let _ = log;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct JsonLinesLog {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    capacity: usize,
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<LogRecord>,
    /// When the first of them came, or one before it that was dropped.
    since: Option<Instant>,
    taken: u64,
    dropped: u64,
    closing: bool,
}

/// How far the thread has come.
#[derive(Clone, Copy, Default)]
struct Progress {
    /// That many of the records taken first are written or dropped.
    settled: u64,
    /// How often writing failed.
    failures: u64,
    /// Whether the last attempt did.
    is_failing: bool,
    /// How long the oldest record of the last batch that was written had waited.
    latency: Option<Duration>,
}

impl JsonLinesLog {
    /// A log whose queue holds 8,192 records.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn new(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(output, CAPACITY)
    }

    /// A log whose queue holds `capacity` records, at least one.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn with_capacity(output: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity: capacity.max(1),
            queue: Mutex::default(),
            filled: Condvar::new(),
        });
        let (report, progress) = watch::channel(Progress::default());
        let source = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("event-log".into())
            .spawn(move || source.write_all(output, &report))?;
        Ok(Self {
            shared,
            progress,
            writer: Some(writer),
        })
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what comes until the log is dropped and nothing waits any more.
    fn write_all(&self, mut output: impl Write, report: &watch::Sender<Progress>) {
        let mut lines = Vec::new();
        while let Some((records, since)) = self.next_batch() {
            let count = records.len() as u64;
            let written = write_batch(&mut output, &records, &mut lines);
            let mut queue = self.queue();
            if written.is_err() {
                queue.dropped += count;
            }
            let settled = queue.taken - queue.records.len() as u64;
            drop(queue);
            report.send_modify(|progress| {
                progress.settled = settled;
                progress.failures += u64::from(written.is_err());
                progress.is_failing = written.is_err();
                if written.is_ok() {
                    progress.latency = since.map(|since| since.elapsed());
                }
            });
        }
    }

    /// Waits for records and takes all of them, with the time since when they wait; `None` when the log is
    /// closed and empty.
    fn next_batch(&self) -> Option<(VecDeque<LogRecord>, Option<Instant>)> {
        let waiting = |queue: &mut Queue| queue.records.is_empty() && !queue.closing;
        let mut queue = self
            .filled
            .wait_while(self.queue(), waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let records = std::mem::take(&mut queue.records);
        let since = queue.since.take();
        (!records.is_empty()).then_some((records, since))
    }
}

fn write_batch(
    output: &mut impl Write,
    records: &VecDeque<LogRecord>,
    lines: &mut Vec<u8>,
) -> io::Result<()> {
    lines.clear();
    for record in records {
        serde_json::to_writer(&mut *lines, record)?;
        lines.push(b'\n');
    }
    output.write_all(lines)?;
    output.flush()
}

#[async_trait]
impl EventLog for JsonLinesLog {
    fn append(&self, record: LogRecord) {
        let mut queue = self.shared.queue();
        if queue.records.len() == self.shared.capacity {
            queue.records.pop_front();
            queue.dropped += 1;
        }
        queue.records.push_back(record);
        queue.since.get_or_insert_with(Instant::now);
        queue.taken += 1;
        drop(queue);
        self.shared.filled.notify_one();
    }

    fn status(&self) -> LogStatus {
        let progress = *self.progress.borrow();
        let queue = self.shared.queue();
        LogStatus {
            is_away: progress.is_failing,
            waiting: usize::try_from(queue.taken.saturating_sub(progress.settled)).unwrap_or(usize::MAX),
            dropped: queue.dropped,
            latency: progress.latency,
        }
    }

    async fn flush(&self, deadline: Duration) -> Result<(), BackendError> {
        let target = self.shared.queue().taken;
        let mut progress = self.progress.clone();
        let failures = progress.borrow().failures;
        let reached = progress.wait_for(|progress| progress.settled >= target);
        let reached = tokio::time::timeout(deadline, reached)
            .await
            .map_err(|late| BackendError::unknown("the log was not written in time").because(late))?
            .map_err(|gone| BackendError::broken("the log's thread has ended").because(gone))?;
        if reached.failures > failures {
            return Err(BackendError::unknown("the log could not be written"));
        }
        Ok(())
    }
}

impl Drop for JsonLinesLog {
    fn drop(&mut self) {
        self.shared.queue().closing = true;
        self.shared.filled.notify_one();
        if let Some(writer) = self.writer.take() {
            // A thread that panicked has nothing left to write.
            writer.join().ok();
        }
    }
}

impl fmt::Debug for JsonLinesLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesLog").finish_non_exhaustive()
    }
}
