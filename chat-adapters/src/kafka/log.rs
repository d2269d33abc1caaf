//! The event log that writes to Kafka.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{EventLog, LogRecord, LogStatus};

use super::sender::{Sender, producer};
use super::shared::Shared;
use super::{KafkaError, KafkaOptions, settings};

/// Writes records to a topic of Kafka, from a thread of its own.
///
/// - A record is in Kafka when every replica in sync has it. Records of one node keep their order; one that was sent
///   and not acknowledged when its producer failed may be there twice, and [`KafkaLogReader`](super::KafkaLogReader)
///   leaves it out the second time.
/// - While Kafka is away records wait; when more than [`buffer`](KafkaOptions::buffer) do, the oldest are dropped and
///   counted. Kafka counts as away when it has answered nothing for two seconds, be it at the start.
/// - Dropping it waits for [`flush_time`](KafkaOptions::flush_time) until what was taken is in Kafka, and a few seconds
///   more for the thread to end where Kafka is away.
///
/// ```no_run
/// use chat_adapters::kafka::{KafkaLog, KafkaOptions};
///
/// let log = KafkaLog::open(KafkaOptions::parse("kafka://localhost/chat-events")?)?;
/// # drop(log);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KafkaLog {
    shared: Arc<Shared>,
    options: KafkaOptions,
    thread: Option<JoinHandle<()>>,
}

impl KafkaLog {
    /// Opens the log. It does not wait for Kafka, which may be away as long as it is. Blocks shortly, on the file of
    /// certificates where there is one.
    ///
    /// # Errors
    /// [`KafkaError`] where the options are wrong, or the operating system gives no thread.
    pub fn open(options: KafkaOptions) -> Result<Self, KafkaError> {
        settings::check(&options)?;
        let shared = Arc::new(Shared::new(options.buffer, options.in_flight));
        let first = producer(&options, &shared)?;
        let sender = Sender::new(options.clone(), Arc::clone(&shared), first);
        let thread = thread::Builder::new()
            .name("event-log-kafka".into())
            .spawn(move || sender.run())
            .map_err(KafkaError::Thread)?;
        Ok(Self {
            shared,
            options,
            thread: Some(thread),
        })
    }

    /// Waits until everything taken so far is settled; answers how many records Kafka has refused by then.
    async fn settled(&self) -> Result<u64, BackendError> {
        let mut news = self.shared.news();
        let target = self.shared.taken();
        loop {
            let (settled, refused) = self.shared.settled();
            if settled >= target {
                return Ok(refused);
            }
            if self.shared.has_ended() || news.changed().await.is_err() {
                return Err(BackendError::broken("the log's thread has ended"));
            }
        }
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    fn append(&self, record: LogRecord) {
        self.shared.push(record);
    }

    fn status(&self) -> LogStatus {
        self.shared.status()
    }

    async fn flush(&self, deadline: Duration) -> Result<(), BackendError> {
        let (_, before) = self.shared.settled();
        let refused = tokio::time::timeout(deadline, self.settled())
            .await
            .map_err(|late| BackendError::unknown("the log was not in Kafka in time").because(late))??;
        if refused > before {
            return Err(BackendError::unknown("Kafka refused a part of the log"));
        }
        Ok(())
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.shared.end_by(Instant::now() + self.options.flush_time);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to send.
            thread.join().ok();
        }
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
