//! The thread that brings records to Kafka.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use super::callbacks::{Deliveries, count_error};
use super::error::Failure;
use super::flight::Entry;
use super::ring::Waiting;
use super::shared::Shared;
use super::tidings::Tidings;
use super::topic::{self, Look};
use super::{KafkaError, KafkaOptions, meters, settings};

/// How many records are handed over at a time, while nobody else looks at what is on its way.
const BATCH: usize = 128;
/// The time between two looks while something is wrong or on its way.
const TICK: Duration = Duration::from_millis(250);
/// The first wait before a producer that failed is made anew; it doubles with each failure.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

pub(super) type Producer = ThreadedProducer<Deliveries>;

/// Makes a producer, which connects by itself.
pub(super) fn producer(options: &KafkaOptions, shared: &Arc<Shared>) -> Result<Producer, KafkaError> {
    meters::PRODUCERS.count(&[]).increment(1);
    settings::producer(options)
        .create_with_context(Deliveries(Arc::clone(shared)))
        .map_err(KafkaError::making)
}

/// What the thread knows.
pub(super) struct Sender {
    options: KafkaOptions,
    shared: Arc<Shared>,
    producer: Option<Producer>,
    /// Whether the topic was found.
    is_open: bool,
    retry: Duration,
    retry_at: Instant,
    /// How many records had arrived when a producer failed last.
    delivered: u64,
    tidings: Tidings,
}

impl Sender {
    pub(super) fn new(options: KafkaOptions, shared: Arc<Shared>, producer: Producer) -> Self {
        Self {
            tidings: Tidings::new(&options),
            options,
            shared,
            producer: Some(producer),
            is_open: false,
            retry: RETRY_MIN,
            retry_at: Instant::now(),
            delivered: 0,
        }
    }

    /// Runs until the log was dropped and everything is in Kafka, or its time is over.
    pub(super) fn run(mut self) {
        let _end = End(Arc::clone(&self.shared));
        self.shared.is_served_by(thread::current());
        while !self.is_over() {
            self.go_on();
            self.tidings.tell(&self.shared);
            match self.pause() {
                Some(pause) => thread::park_timeout(pause),
                None => thread::park(),
            }
        }
        self.producer = None;
        self.tidings.tell_end(&self.shared);
    }

    fn is_over(&self) -> bool {
        let Some(end) = self.shared.ends_by() else {
            return false;
        };
        Instant::now() >= end || self.shared.status().waiting == 0
    }

    /// How long nothing needs to be done unless something happens; `None` is for as long as that takes.
    fn pause(&self) -> Option<Duration> {
        let now = Instant::now();
        let pause = if !self.is_open || self.producer.is_none() {
            Some(self.retry_at.saturating_duration_since(now))
        } else if self.shared.status().waiting > 0 || self.shared.is_doubtful() {
            Some(TICK)
        } else {
            None
        };
        let end = self
            .shared
            .ends_by()
            .map(|end| end.saturating_duration_since(now));
        match (pause, end) {
            (Some(pause), Some(end)) => Some(pause.min(end)),
            (pause, end) => pause.or(end),
        }
    }

    /// Does what can be done now.
    fn go_on(&mut self) {
        if self.shared.flight().failure().is_some() {
            self.begin_again();
        }
        if (!self.is_open || self.producer.is_none()) && Instant::now() >= self.retry_at {
            self.open();
        }
        if self.is_open {
            self.hand_over();
            if self.shared.is_doubtful() && self.shared.status().waiting == 0 {
                self.look();
            }
        }
    }

    /// Ends a producer that has failed, and leaves everything that is not in Kafka to the next.
    fn begin_again(&mut self) {
        // Its last news come while it ends, and none after.
        self.producer = None;
        let mut flight = self.shared.flight();
        flight.start_again();
        let delivered = flight.delivered();
        drop(flight);
        self.is_open = false;
        self.retry = if delivered > self.delivered {
            RETRY_MIN
        } else {
            RETRY_MAX.min(self.retry * 2)
        };
        self.delivered = delivered;
        self.retry_at = Instant::now() + self.retry;
        let reason = self.shared.reason();
        tracing::debug!(target: "chat_adapters::kafka", "the producer is made anew: {reason}");
    }

    /// Makes a producer where there is none, and finds or creates the topic.
    fn open(&mut self) {
        if self.producer.is_none() {
            match producer(&self.options, &self.shared) {
                Ok(made) => self.producer = Some(made),
                Err(error) => self.shared.lost(&error.to_string()),
            }
        }
        self.look();
        self.retry_at = Instant::now() + self.retry;
    }

    /// Looks whether Kafka answers and has the topic.
    fn look(&mut self) {
        let Some(producer) = &self.producer else {
            return;
        };
        match topic::look(producer.client(), &self.options.topic, topic::LOOK) {
            Look::Found { .. } => {
                self.shared.found();
                self.is_open = true;
            }
            Look::Missing if self.options.create_topic => match topic::create(&self.options) {
                // The next look finds it, once all servers know.
                Ok(()) => self.is_open = false,
                Err(why) => self.shared.lost(&why),
            },
            Look::Missing => self
                .shared
                .lost(&format!("there is no topic {}", self.options.topic)),
            Look::Refused { why } | Look::Unanswered { why } => self.unanswered(&why),
        }
    }

    /// What a connection says of its end tells more than that nobody answers.
    fn unanswered(&self, why: &str) {
        let said = self.shared.reason();
        self.shared.lost(if said.is_empty() { why } else { &said });
    }

    /// Hands over what may be on its way at once.
    fn hand_over(&self) {
        while self.hand_over_entries() {
            let taken = self.shared.take(BATCH);
            if taken.is_empty() {
                return;
            }
            let entries: Vec<_> = taken
                .into_iter()
                .filter_map(|waiting| self.written(&waiting))
                .collect();
            self.shared.add(entries);
        }
    }

    /// A record as Kafka gets it.
    fn written(&self, waiting: &Waiting) -> Option<Entry> {
        let Ok(value) = serde_json::to_vec(&waiting.record) else {
            self.shared.flight().refuse();
            return None;
        };
        Some(Entry {
            index: waiting.index,
            taken_at: waiting.taken_at,
            node: waiting.record.node.to_string(),
            timestamp: waiting.record.at.as_millis().try_into().unwrap_or(i64::MAX),
            value,
            is_settled: false,
        })
    }

    /// Gives the producer what it has not got. Says whether that was all.
    fn hand_over_entries(&self) -> bool {
        let Some(producer) = &self.producer else {
            return false;
        };
        loop {
            let mut flight = self.shared.flight();
            for _ in 0..BATCH {
                let Some(entry) = flight.next() else {
                    return flight.failure().is_none();
                };
                match send(producer, &self.options.topic, entry) {
                    Ok(()) => flight.hand_over(),
                    // It takes more when something has arrived.
                    Err(Code::QueueFull) => return false,
                    Err(Code::MessageSizeTooLarge) => {
                        count_error(Failure::Record);
                        flight.refuse_next();
                    }
                    Err(_) => flight.failed(Failure::Producer),
                }
            }
        }
    }
}

fn send(producer: &Producer, topic: &str, entry: &Entry) -> Result<(), Code> {
    let index = usize::try_from(entry.index).map_err(|_| Code::InvalidArgument)?;
    let record = BaseRecord::with_opaque_to(topic, index)
        .key(entry.node.as_str())
        .timestamp(entry.timestamp)
        .payload(entry.value.as_slice());
    producer.send(record).map_err(|(error, _)| code(&error))
}

fn code(error: &ClientError) -> Code {
    error.rdkafka_error_code().unwrap_or(Code::Fail)
}

/// Tells of the thread's end, whatever it is.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}
