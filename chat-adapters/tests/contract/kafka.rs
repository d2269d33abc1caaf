//! Kafka, and the mock cluster of librdkafka: every case in a topic of its own.
#![expect(clippy::unwrap_used, reason = "functions that tests share are tests too")]

#[path = "../kafka/mock.rs"]
mod mock;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chat_adapters::kafka::{Follow, KafkaLog, KafkaLogReader, KafkaOptions};
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, ReadableLog, Trial};
use chat_core::ports::{EventLog, LogRecord};
use futures_util::TryStreamExt;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use self::mock::Mock;

const KAFKA: &str = "CHAT_TEST_KAFKA";
const PARTITIONS: i32 = 4;

/// A log, and a reader of what is in Kafka.
struct Log {
    log: KafkaLog,
    reader: KafkaLogReader,
}

#[async_trait]
impl ReadableLog for Log {
    fn log(&self) -> &dyn EventLog {
        &self.log
    }

    async fn records(&self) -> Result<Vec<LogRecord>, BackendError> {
        let unread = |error| BackendError::unknown("cannot read the log").because(error);
        let records = self.reader.read(None, Follow::No).map_err(unread)?;
        records.try_collect().await.map_err(unread)
    }
}

fn open(options: KafkaOptions) -> Result<Arc<dyn ReadableLog>, BackendError> {
    let wrong = |error| BackendError::broken("cannot open the log").because(error);
    Ok(Arc::new(Log {
        reader: KafkaLogReader::open(options.clone()).map_err(wrong)?,
        log: KafkaLog::open(options).map_err(wrong)?,
    }))
}

/// A topic of a mock cluster, which each case has of its own.
struct MockTopic(Mock);

#[async_trait]
impl Fixture for MockTopic {
    type Port = Arc<dyn ReadableLog>;

    async fn open(&self) -> Result<Self::Port, BackendError> {
        open(self.0.options("events"))
    }

    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: true,
        }
    }
}

/// A topic of a real Kafka.
struct Topic {
    name: String,
}

impl Topic {
    fn new() -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let (process, case) = (std::process::id(), CASES.fetch_add(1, Ordering::Relaxed));
        Self {
            name: format!("contract-{process}-{case}"),
        }
    }

    fn bootstrap() -> String {
        std::env::var(KAFKA).unwrap_or_default()
    }

    fn admin() -> AdminClient<DefaultClientContext> {
        let bootstrap = Self::bootstrap();
        ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .create()
            .unwrap()
    }
}

#[async_trait]
impl Fixture for Topic {
    type Port = Arc<dyn ReadableLog>;

    async fn open(&self) -> Result<Self::Port, BackendError> {
        // The records of the cases have times long past, which Kafka would not keep.
        let topic =
            NewTopic::new(&self.name, PARTITIONS, TopicReplication::Fixed(1)).set("retention.ms", "-1");
        let created = Self::admin().create_topics([&topic], &AdminOptions::new()).await;
        created.map_err(|error| BackendError::unknown("cannot create the topic").because(error))?;
        let url = format!("kafka://{}/{}", Self::bootstrap(), self.name);
        open(KafkaOptions::parse(&url).map_err(|error| BackendError::broken(KAFKA).because(error))?)
    }

    async fn close(&self) {
        // What is left is gone with the server.
        let _ = Self::admin()
            .delete_topics(&[&self.name], &AdminOptions::new())
            .await;
    }

    fn unavailable(&self) -> Option<String> {
        Self::bootstrap()
            .is_empty()
            .then(|| format!("{KAFKA} is not set"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: true,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let suites = [
        contract::event_log("kafka", Topic::new),
        contract::event_log("kafka_mock", || MockTopic(Mock::with_topic("events", PARTITIONS))),
    ];
    suites.into_iter().flatten().collect()
}
