//! A real Kafka, which is killed and stalled.

use std::time::Duration;

use chat_adapters::kafka::{Compression, KafkaLog, KafkaOptions};
use chat_core::ports::EventLog;
use chat_test_services::{DEADLINE, Kafka, Service};
use libtest_mimic::Trial;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::scene::{
    append, at, expect_all_but_dropped, flush, log, numbers, record, trials, try_records, until,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("broker": &[Service::Kafka], {
        a_missing_topic_is_created_as_the_options_say,
        a_kafka_that_is_killed_costs_only_what_was_dropped,
        a_kafka_that_stalls_costs_only_what_was_dropped,
        reading_begins_at_a_time,
        a_record_that_kafka_refuses_is_dropped_alone,
        a_topic_that_is_deleted_is_created_again,
    })
}

async fn kafka() -> Kafka {
    let started = tokio::task::spawn_blocking(|| Kafka::start().unwrap());
    started.await.unwrap()
}

/// A topic of a Kafka that is not broken by the test: the one that is there for all tests, or one of its own.
struct Topic {
    bootstrap: String,
    name: String,
    _own: Option<Kafka>,
}

impl Topic {
    async fn new(name: &str) -> Self {
        let shared = std::env::var("CHAT_TEST_KAFKA").unwrap_or_default();
        let own = if shared.is_empty() {
            Some(kafka().await)
        } else {
            None
        };
        Self {
            bootstrap: own.as_ref().map_or(shared, Kafka::bootstrap),
            name: format!("{name}-{}", std::process::id()),
            _own: own,
        }
    }

    fn options(&self) -> KafkaOptions {
        options(&self.bootstrap, &self.name)
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .create()
            .unwrap()
    }
}

fn options(bootstrap: &str, topic: &str) -> KafkaOptions {
    KafkaOptions::parse(&format!("kafka://{bootstrap}/{topic}")).unwrap()
}

fn partitions(topic: &Topic) -> usize {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &topic.bootstrap)
        .create()
        .unwrap();
    let metadata = consumer
        .fetch_metadata(Some(&topic.name), Duration::from_secs(10))
        .unwrap();
    metadata.topics()[0].partitions().len()
}

async fn a_missing_topic_is_created_as_the_options_say() {
    for (name, wanted) in [("created-one", 1), ("created-five", 5)] {
        let topic = Topic::new(name).await;
        let options = KafkaOptions {
            partitions: wanted,
            replication: Some(1),
            ..topic.options()
        };
        let log = log(&options);
        append(&log, 1..=100);
        flush(&log).await;
        assert_eq!(partitions(&topic), usize::from(wanted));
        assert_eq!(numbers(&options).await, (1..=100).collect::<Vec<_>>());
    }
}

/// Appends at a steady pace until the log is as expected; answers the last number.
async fn append_until(log: &KafkaLog, mut number: u64, is_so: impl Fn(&KafkaLog) -> bool) -> u64 {
    let end = tokio::time::Instant::now() + DEADLINE;
    while !is_so(log) {
        assert!(
            tokio::time::Instant::now() < end,
            "not in time: {:?}",
            log.status()
        );
        append(log, number + 1..=number + 5);
        number += 5;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    number
}

/// A log with little room, so that records are dropped soon.
fn small(kafka: &Kafka) -> KafkaOptions {
    KafkaOptions {
        buffer: 500,
        in_flight: 200,
        ..options(&kafka.bootstrap(), "events")
    }
}

async fn a_kafka_that_is_killed_costs_only_what_was_dropped() {
    let mut kafka = kafka().await;
    let options = small(&kafka);
    let log = log(&options);
    let number = append_until(&log, 0, |log| log.status().latency.is_some()).await;
    kafka.kill().unwrap();
    let number = append_until(&log, number, |log| {
        log.status().is_away && log.status().dropped > 500
    })
    .await;
    let kafka = tokio::task::spawn_blocking(move || {
        kafka.restart().unwrap();
        kafka
    });
    let number = append_until(&log, number, |log| !log.status().is_away).await;
    flush(&log).await;
    expect_all_but_dropped(&log, &options, number).await;
    let _kafka = kafka.await.unwrap();
}

async fn a_kafka_that_stalls_costs_only_what_was_dropped() {
    let mut kafka = kafka().await;
    let options = small(&kafka);
    let log = log(&options);
    let number = append_until(&log, 0, |log| log.status().latency.is_some()).await;
    kafka.freeze().unwrap();
    let number = append_until(&log, number, |log| {
        log.status().is_away && log.status().dropped > 500
    })
    .await;
    kafka.thaw();
    let number = append_until(&log, number, |log| !log.status().is_away).await;
    flush(&log).await;
    expect_all_but_dropped(&log, &options, number).await;
}

async fn reading_begins_at_a_time() {
    let topic = Topic::new("since").await;
    let options = topic.options();
    let log = log(&options);
    append(&log, 1..=1_000);
    flush(&log).await;
    for (since, expected) in [(0, 1..=1_000), (400, 400..=1_000), (1_000, 1_000..=1_000)] {
        let read = try_records(&options, Some(at(since))).await.unwrap();
        let read: Vec<_> = read.iter().map(|record| record.number).collect();
        assert_eq!(read, expected.collect::<Vec<_>>(), "since {since}");
    }
    assert_eq!(try_records(&options, Some(at(1_001))).await.unwrap(), []);
}

async fn a_record_that_kafka_refuses_is_dropped_alone() {
    let topic = Topic::new("refused").await;
    let small = NewTopic::new(&topic.name, 1, TopicReplication::Fixed(1)).set("max.message.bytes", "20000");
    topic
        .admin()
        .create_topics([&small], &AdminOptions::new())
        .await
        .unwrap();
    let options = KafkaOptions {
        compression: Compression::None,
        ..topic.options()
    };
    let log = log(&options);
    append(&log, 1..=10);
    for number in [11, 15] {
        let mut large = record(number);
        large.event = "x".repeat(30_000);
        log.append(large);
        append(&log, number + 1..number + 4);
    }
    until(&log, "everything is settled", |status| status.waiting == 0).await;
    assert_eq!(
        numbers(&options).await,
        (1..=10).chain(12..=14).chain(16..=18).collect::<Vec<_>>()
    );
    assert_eq!(log.status().dropped, 2);
}

async fn a_topic_that_is_deleted_is_created_again() {
    let topic = Topic::new("deleted").await;
    let options = topic.options();
    let log = log(&options);
    append(&log, 1..=10);
    flush(&log).await;
    topic
        .admin()
        .delete_topics(&[&topic.name], &AdminOptions::new())
        .await
        .unwrap();
    // The broker may still take records for the topic that is going, and they go with it.
    let end = tokio::time::Instant::now() + DEADLINE;
    let mut last = 10;
    let first = loop {
        last += 1;
        append(&log, [last]);
        flush(&log).await;
        if let Ok(records) = try_records(&options, None).await
            && let Some(first) = records.first()
            && first.number > 10
        {
            break first.number;
        }
        assert!(tokio::time::Instant::now() < end, "the topic does not come back");
    };
    append(&log, last + 1..=last + 10);
    flush(&log).await;
    assert_eq!(numbers(&options).await, (first..=last + 10).collect::<Vec<_>>());
    assert_eq!(log.status().dropped, 0);
    until(&log, "there", |status| !status.is_away).await;
}
