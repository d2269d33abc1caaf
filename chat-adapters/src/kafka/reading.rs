//! The thread that reads from Kafka.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::Timestamp;
use chat_core::ports::LogRecord;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::callbacks::Lines;
use super::reader::{Extent, Follow};
use super::repeats::Repeats;
use super::topic::{self, Look};
use super::{KafkaError, KafkaOptions, settings};

/// The longest wait in one place, before it is asked whether anybody still reads.
const PATIENCE: Duration = Duration::from_millis(500);
/// The same for the next message.
const POLL: Duration = Duration::from_millis(50);
/// The wait before Kafka is asked again.
const RETRY: Duration = Duration::from_millis(250);
/// The time between two looks for partitions that were added.
const PARTITIONS_EVERY: Duration = Duration::from_secs(5);
/// For so long may nothing come, where reading is to end.
const GIVE_UP: Duration = Duration::from_secs(10);

impl ConsumerContext for Lines {}

/// Why reading ends.
enum End {
    /// Nobody reads any more, or everything was read.
    Done,
    Failed(KafkaError),
}

impl From<KafkaError> for End {
    fn from(error: KafkaError) -> Self {
        Self::Failed(error)
    }
}

pub(super) struct Reading {
    consumer: BaseConsumer<Lines>,
    topic: String,
    servers: String,
    extent: Extent,
    since: Option<Timestamp>,
    follow: Follow,
    sender: mpsc::Sender<Result<LogRecord, KafkaError>>,
    skipped: Arc<AtomicU64>,
    repeats: Repeats,
    /// The partitions that are known, each with the offset at which reading ends where it does not follow.
    partitions: BTreeMap<i32, i64>,
    /// Of these, the ones that are read to their end.
    finished: usize,
    looked_at: Instant,
    moved_at: Instant,
}

impl Reading {
    pub(super) fn new(
        options: &KafkaOptions,
        extent: Extent,
        since: Option<Timestamp>,
        follow: Follow,
        sender: mpsc::Sender<Result<LogRecord, KafkaError>>,
        skipped: Arc<AtomicU64>,
    ) -> Result<Self, KafkaError> {
        let consumer = settings::consumer(options)
            .create_with_context(Lines)
            .map_err(KafkaError::making)?;
        Ok(Self {
            consumer,
            topic: options.topic.clone(),
            servers: settings::servers(options),
            extent,
            since,
            follow,
            sender,
            skipped,
            repeats: Repeats::default(),
            partitions: BTreeMap::new(),
            finished: 0,
            looked_at: Instant::now(),
            moved_at: Instant::now(),
        })
    }

    /// Runs until nobody reads any more, or everything was read.
    pub(super) fn run(mut self) {
        if let Err(End::Failed(error)) = self.read_all() {
            // Whoever reads may have gone.
            self.sender.blocking_send(Err(error)).ok();
        }
    }

    fn read_all(&mut self) -> Result<(), End> {
        self.find_topic()?;
        loop {
            if self.follow == Follow::No && self.finished == self.partitions.len() {
                return Ok(());
            }
            let looks_for_more = self.follow == Follow::Yes && matches!(self.extent, Extent::Topic);
            if looks_for_more && self.looked_at.elapsed() >= PARTITIONS_EVERY {
                self.look_for_partitions()?;
            }
            self.read_next()?;
        }
    }

    /// Waits for the topic, and begins to read its partitions.
    fn find_topic(&mut self) -> Result<(), End> {
        loop {
            let why = match self.look()? {
                Look::Found { partitions } => {
                    return match self.extent {
                        Extent::Topic => self.begin(0..partitions),
                        Extent::Partition(partition) => self.begin(partition..partition.saturating_add(1)),
                    };
                }
                Look::Missing if self.follow == Follow::No => {
                    let (servers, topic) = (self.servers.clone(), self.topic.clone());
                    return Err(KafkaError::TopicMissing { servers, topic }.into());
                }
                Look::Missing => "there is no such topic yet".to_owned(),
                Look::Refused { why } => return Err(self.refused(why)),
                Look::Unanswered { why } => why,
            };
            self.wait(&why)?;
        }
    }

    fn look(&mut self) -> Result<Look, End> {
        self.looked_at = Instant::now();
        let look = topic::look(self.consumer.client(), &self.topic, PATIENCE);
        // What went wrong with the connection is told as an event.
        while let Some(event) = self.consumer.poll(Duration::ZERO) {
            if let Err(error) = event {
                Self::check(&self.servers, &error)?;
            }
        }
        self.still_wanted()?;
        Ok(look)
    }

    fn look_for_partitions(&mut self) -> Result<(), End> {
        let known = self.partitions.len();
        let known = i32::try_from(known).unwrap_or(i32::MAX);
        self.looked_at = Instant::now();
        match topic::look(self.consumer.client(), &self.topic, PATIENCE) {
            Look::Found { partitions } if partitions > known => self.begin(known..partitions),
            Look::Refused { why } => Err(self.refused(why)),
            Look::Found { .. } | Look::Missing | Look::Unanswered { .. } => Ok(()),
        }
    }

    /// Begins to read these partitions, at what was written first since the time that is asked for.
    fn begin(&mut self, numbers: std::ops::Range<i32>) -> Result<(), End> {
        let mut starts = TopicPartitionList::new();
        for number in numbers {
            let (start, end) = self.bounds(number)?;
            self.partitions.insert(number, end);
            if self.follow == Follow::No && start >= end {
                self.finished += 1;
                continue;
            }
            let added = starts.add_partition_offset(&self.topic, number, Offset::Offset(start));
            added.map_err(|error| self.away(&error))?;
        }
        if starts.count() > 0 {
            let assigned = self.consumer.incremental_assign(&starts);
            assigned.map_err(|error| self.away(&error))?;
        }
        self.moved_at = Instant::now();
        Ok(())
    }

    /// The offsets where reading a partition begins, and where its present end is.
    fn bounds(&self, number: i32) -> Result<(i64, i64), End> {
        loop {
            let found = self.ask_for_bounds(number);
            self.still_wanted()?;
            match found {
                Ok(bounds) => return Ok(bounds),
                Err(error) => {
                    Self::check(&self.servers, &error)?;
                    self.wait(&error.to_string())?;
                }
            }
        }
    }

    fn ask_for_bounds(&self, number: i32) -> Result<(i64, i64), ClientError> {
        // First the end: what comes between the two questions is then found by the time, or is older.
        let (begin, end) = self.consumer.fetch_watermarks(&self.topic, number, PATIENCE)?;
        let Some(since) = self.since else {
            return Ok((begin, end));
        };
        let mut times = TopicPartitionList::new();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        times.add_partition_offset(&self.topic, number, Offset::Offset(millis))?;
        let found = self.consumer.offsets_for_times(times, PATIENCE)?;
        let place = found.find_partition(&self.topic, number);
        let Some(place) = place else {
            return Ok((end, end));
        };
        place.error()?;
        match place.offset() {
            Offset::Offset(start) => Ok((start, end)),
            _ => Ok((end, end)),
        }
    }

    /// Passes on the next message, where one comes soon.
    fn read_next(&mut self) -> Result<(), End> {
        self.still_wanted()?;
        let (partition, offset, record) = match self.consumer.poll(POLL) {
            None => return self.give_up_if_late(),
            Some(Err(ClientError::PartitionEOF(partition))) => {
                self.moved_at = Instant::now();
                self.finish(partition);
                return Ok(());
            }
            Some(Err(error)) => {
                Self::check(&self.servers, &error)?;
                return self.give_up_if_late();
            }
            Some(Ok(message)) => {
                let record: Option<LogRecord> = message
                    .payload()
                    .and_then(|value| serde_json::from_slice(value).ok());
                (message.partition(), message.offset(), record)
            }
        };
        self.moved_at = Instant::now();
        let Some(end) = self.partitions.get(&partition).copied() else {
            return Ok(());
        };
        if self.follow == Follow::Yes || offset < end {
            self.pass_on(record)?;
        }
        if self.follow == Follow::No && offset + 1 >= end {
            self.finish(partition);
        }
        Ok(())
    }

    /// A partition is read to its end, which is told of once.
    fn finish(&mut self, partition: i32) {
        if self.follow == Follow::No
            && let Some(end) = self.partitions.get_mut(&partition)
            && *end > 0
        {
            // Nothing of it lies before this.
            *end = 0;
            self.finished += 1;
        }
    }

    fn pass_on(&mut self, record: Option<LogRecord>) -> Result<(), End> {
        let Some(record) = record else {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if self.since.is_some_and(|since| record.at < since) || self.repeats.is_repeat(&record) {
            return Ok(());
        }
        self.sender.blocking_send(Ok(record)).map_err(|_| End::Done)
    }

    fn still_wanted(&self) -> Result<(), End> {
        if self.sender.is_closed() {
            Err(End::Done)
        } else {
            Ok(())
        }
    }

    /// Waits a little, or gives up where reading is to end.
    fn wait(&self, why: &str) -> Result<(), End> {
        if self.follow == Follow::No && self.moved_at.elapsed() >= GIVE_UP {
            let (servers, why) = (self.servers.clone(), why.to_owned());
            return Err(KafkaError::Away { servers, why }.into());
        }
        thread::park_timeout(RETRY);
        self.still_wanted()
    }

    fn give_up_if_late(&self) -> Result<(), End> {
        if self.follow == Follow::No && self.moved_at.elapsed() >= GIVE_UP {
            let servers = self.servers.clone();
            let why = "nothing came for ten seconds".to_owned();
            return Err(KafkaError::Away { servers, why }.into());
        }
        Ok(())
    }

    /// Whether reading can go on after this, as the client does by itself.
    fn check(servers: &str, error: &ClientError) -> Result<(), End> {
        let why = match error.rdkafka_error_code() {
            Some(
                code @ (Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::TopicAuthorizationFailed),
            ) => code.to_string(),
            _ => return Ok(()),
        };
        let servers = servers.to_owned();
        Err(KafkaError::Refused { servers, why }.into())
    }

    fn refused(&self, why: String) -> End {
        let servers = self.servers.clone();
        KafkaError::Refused { servers, why }.into()
    }

    fn away(&self, error: &ClientError) -> End {
        let (servers, why) = (self.servers.clone(), error.to_string());
        KafkaError::Away { servers, why }.into()
    }
}
