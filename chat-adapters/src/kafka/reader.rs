//! Reading what nodes have written.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use chat_core::Timestamp;
use chat_core::ports::LogRecord;
use futures_util::Stream;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::sync::mpsc;

use super::callbacks::Lines;
use super::reading::Reading;
use super::topic::{self, Look};
use super::{KafkaError, KafkaOptions, settings};

/// How many records are read ahead of whoever takes them, besides what the client of Kafka buffers.
const READ_AHEAD: usize = 1_024;

/// How often it is asked how many partitions there are, before nobody counts as answering.
const LOOKS: usize = 3;

/// Whether reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It goes on with what comes, until the stream is dropped.
    Yes,
    /// It ends with what is there now.
    No,
}

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    Topic,
    Partition(i32),
}

/// Reads the records of all nodes from a topic of Kafka. It joins no group, and leaves nothing in Kafka.
///
/// ```no_run
/// use chat_adapters::kafka::{Follow, KafkaLogReader, KafkaOptions};
/// use futures_util::StreamExt;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let reader = KafkaLogReader::open(KafkaOptions::parse("kafka://localhost/chat-events")?)?;
/// let mut records = reader.read(None, Follow::No)?;
/// while let Some(record) = records.next().await {
///     println!("{}", record?.event);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KafkaLogReader {
    options: KafkaOptions,
}

impl KafkaLogReader {
    /// A reader of this topic. It does not connect yet. What the options say of creating and writing the topic is not
    /// used: it is never created.
    ///
    /// # Errors
    /// [`KafkaError::Options`] where the options are wrong.
    pub fn open(options: KafkaOptions) -> Result<Self, KafkaError> {
        settings::check(&options)?;
        Ok(Self { options })
    }

    /// Reads the records of `since` and later, or all that Kafka has kept. Blocks shortly, on the file of certificates
    /// where there is one.
    ///
    /// # Errors
    /// [`KafkaError`] where the options are wrong, or the operating system gives no thread. What goes wrong later
    /// is an item of the stream, and its last.
    pub fn read(&self, since: Option<Timestamp>, follow: Follow) -> Result<LogRecords, KafkaError> {
        self.start(Extent::Topic, since, follow)
    }

    /// The same for one partition, numbered from 0, whose records were written in the order in which they come. So the
    /// partitions of a large topic can be merged by time without holding all of it in memory. A partition that
    /// is not there is waited for or, where reading does not follow, ends with [`KafkaError::Away`].
    ///
    /// # Errors
    /// As with [`read`](Self::read).
    pub fn read_partition(
        &self,
        partition: i32,
        since: Option<Timestamp>,
        follow: Follow,
    ) -> Result<LogRecords, KafkaError> {
        self.start(Extent::Partition(partition), since, follow)
    }

    /// How many partitions the topic has now; `None` where there is no such topic, or nobody answers. Blocks, for some
    /// seconds where nobody answers.
    ///
    /// # Errors
    /// [`KafkaError`] where the options are wrong, or Kafka refuses the user.
    pub fn partitions(&self) -> Result<Option<i32>, KafkaError> {
        let consumer: BaseConsumer<Lines> = settings::consumer(&self.options)
            .create_with_context(Lines)
            .map_err(KafkaError::making)?;
        for _ in 0..LOOKS {
            match topic::look(consumer.client(), &self.options.topic, topic::LOOK) {
                Look::Found { partitions } => return Ok(Some(partitions)),
                Look::Missing => return Ok(None),
                Look::Refused { why } => {
                    let servers = settings::servers(&self.options);
                    return Err(KafkaError::Refused { servers, why });
                }
                Look::Unanswered { .. } => {}
            }
        }
        Ok(None)
    }

    fn start(
        &self,
        extent: Extent,
        since: Option<Timestamp>,
        follow: Follow,
    ) -> Result<LogRecords, KafkaError> {
        let (sender, records) = mpsc::channel(READ_AHEAD);
        let skipped = Arc::new(AtomicU64::new(0));
        let reading = Reading::new(&self.options, extent, since, follow, sender, Arc::clone(&skipped))?;
        let thread = thread::Builder::new()
            .name("event-log-reader".into())
            .spawn(move || reading.run())
            .map_err(KafkaError::Thread)?;
        Ok(LogRecords {
            records,
            skipped,
            thread: Some(thread),
        })
    }
}

/// The records of a [`KafkaLogReader`], as a stream.
///
/// - Those of one node come in its order, and none twice; nodes come in any order.
/// - While Kafka is away, a stream that follows waits, and goes on where it was. So it does for a topic that is not there
///   yet, and it finds partitions that are added. One that does not follow ends with [`KafkaError::TopicMissing`] or,
///   where nothing comes for ten seconds, with [`KafkaError::Away`].
/// - Taking the next record can be abandoned at any time without losing one.
///
/// Dropping it ends its thread, which takes some tenths of a second, or a second where Kafka is away.
pub struct LogRecords {
    records: mpsc::Receiver<Result<LogRecord, KafkaError>>,
    skipped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl LogRecords {
    /// How many messages of the topic were no records, and passed over.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

impl Stream for LogRecords {
    type Item = Result<LogRecord, KafkaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.records.poll_recv(context)
    }
}

impl Drop for LogRecords {
    fn drop(&mut self) {
        self.records.close();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that panicked has nothing more to read.
            thread.join().ok();
        }
    }
}

impl fmt::Debug for LogRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogRecords")
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}
