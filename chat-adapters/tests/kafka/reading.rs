//! The reader, on the mock cluster.

use std::time::Duration;

use chat_adapters::kafka::{Follow, KafkaError, KafkaLogReader, KafkaOptions, LogRecords};
use chat_core::ports::LogRecord;
use futures_util::StreamExt;
use libtest_mimic::Trial;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message, Timestamp};

use crate::mock::Mock;
use crate::scene::{
    TOPIC, append, flush, log, next, numbers, record, record_of, records, trials, try_records,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("reading": &[], {
        what_is_in_kafka_is_as_documented,
        an_empty_topic_ends_at_once,
        a_topic_that_is_missing_is_an_error,
        what_is_no_record_is_passed_over_and_counted,
        what_was_written_twice_is_read_once,
        each_node_keeps_its_order,
        following_waits_for_the_topic_and_for_records,
        following_outlasts_a_kafka_that_goes_away,
        a_reader_that_is_slow_loses_nothing,
        a_stream_that_is_dropped_ends_its_thread,
    })
}

fn follow(options: &KafkaOptions) -> LogRecords {
    let reader = KafkaLogReader::open(options.clone()).unwrap();
    reader.read(None, Follow::Yes).unwrap()
}

/// Writes values as somebody else would.
fn write(options: &KafkaOptions, values: &[Vec<u8>]) {
    let servers = options.servers[0].to_string();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create()
        .unwrap();
    for value in values {
        let sent = producer.send(BaseRecord::to(&options.topic).key("n1").payload(value));
        assert!(sent.is_ok());
    }
    producer.flush(chat_test_services::DEADLINE).unwrap();
}

fn json(record: &LogRecord) -> Vec<u8> {
    serde_json::to_vec(record).unwrap()
}

/// The key, the time and the JSON, as another program finds them.
async fn what_is_in_kafka_is_as_documented() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let log = log(&options);
    let records = [record_of("n1", 1), record_of("n2", 1)];
    for record in &records {
        chat_core::ports::EventLog::append(&log, record.clone());
    }
    flush(&log).await;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", options.servers[0].to_string())
        .set("group.id", "another")
        .create()
        .unwrap();
    let mut begin = TopicPartitionList::new();
    begin.add_partition_offset(TOPIC, 0, Offset::Beginning).unwrap();
    consumer.assign(&begin).unwrap();
    for record in &records {
        let message = consumer.poll(chat_test_services::DEADLINE).unwrap().unwrap();
        let at = i64::try_from(record.at.as_millis()).unwrap();
        assert_eq!(message.key(), Some(record.node.as_str().as_bytes()));
        assert_eq!(message.timestamp(), Timestamp::CreateTime(at));
        assert_eq!(message.payload(), Some(json(record).as_slice()));
    }
}

async fn an_empty_topic_ends_at_once() {
    let mock = Mock::with_topic(TOPIC, 4);
    assert_eq!(records(&mock.options(TOPIC)).await, []);
}

async fn a_topic_that_is_missing_is_an_error() {
    let mock = Mock::start();
    let read = try_records(&mock.options("nothing"), None).await;
    assert!(
        matches!(&read, Err(KafkaError::TopicMissing { topic, .. }) if topic == "nothing"),
        "{read:?}"
    );
}

async fn what_is_no_record_is_passed_over_and_counted() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let strange = br#"{"at":1,"node":"n1","number":3,"level":"loud","event":"x","fields":{}}"#;
    let values = [
        b"not JSON".to_vec(),
        json(&record(1)),
        b"{}".to_vec(),
        vec![],
        strange.to_vec(),
        json(&record(2)),
    ];
    write(&options, &values);
    let reader = KafkaLogReader::open(options).unwrap();
    let mut stream = reader.read(None, Follow::No).unwrap();
    assert_eq!(next(&mut stream).await, record(1));
    assert_eq!(next(&mut stream).await, record(2));
    assert!(stream.next().await.is_none());
    assert_eq!(stream.skipped(), 4);
}

async fn what_was_written_twice_is_read_once() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let values = [1, 2, 3, 2, 3, 4].map(|number| json(&record(number)));
    write(&options, &values);
    assert_eq!(numbers(&options).await, [1, 2, 3, 4]);
}

async fn each_node_keeps_its_order() {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = mock.options(TOPIC);
    let nodes = ["n1", "n2", "n3", "n4", "n5"];
    let log = log(&options);
    for number in 1..=200 {
        for node in nodes {
            chat_core::ports::EventLog::append(&log, record_of(node, number));
        }
    }
    flush(&log).await;
    let read = records(&options).await;
    for node in nodes {
        let own = read.iter().filter(|record| record.node.as_str() == node);
        let own: Vec<_> = own.cloned().collect();
        let expected: Vec<_> = (1..=200).map(|number| record_of(node, number)).collect();
        assert!(own == expected, "{node}");
    }
}

async fn following_waits_for_the_topic_and_for_records() {
    let mock = Mock::start();
    let options = mock.options(TOPIC);
    let mut stream = follow(&options);
    let early = tokio::time::timeout(Duration::from_millis(100), stream.next()).await;
    assert!(early.is_err(), "{early:?}");
    mock.order(|cluster| cluster.create_topic(TOPIC, 4, 1).unwrap());
    let log = log(&options);
    for number in 1..=5 {
        append(&log, [number]);
        assert_eq!(next(&mut stream).await, record(number));
    }
}

async fn following_outlasts_a_kafka_that_goes_away() {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = mock.options(TOPIC);
    let mut stream = follow(&options);
    let log = log(&options);
    let mut last = 0;
    for _ in 0..3 {
        append(&log, last + 1..=last + 50);
        flush(&log).await;
        mock.order(|cluster| cluster.broker_down(1).unwrap());
        append(&log, last + 51..=last + 100);
        mock.order(|cluster| cluster.broker_up(1).unwrap());
        for number in last + 1..=last + 100 {
            assert_eq!(next(&mut stream).await.number, number);
        }
        last += 100;
    }
}

async fn a_reader_that_is_slow_loses_nothing() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let log = log(&options);
    let mut stream = follow(&options);
    // More than are read ahead.
    append(&log, 1..=20_000);
    flush(&log).await;
    for number in 1..=20_000 {
        assert_eq!(next(&mut stream).await.number, number);
    }
}

/// Dropping joins the thread, so that it ends is what is shown: also where the channel is full, and where Kafka is away.
async fn a_stream_that_is_dropped_ends_its_thread() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let idle = follow(&options);
    let log = log(&options);
    append(&log, 1..=5_000);
    flush(&log).await;
    let mut full = follow(&options);
    next(&mut full).await;
    drop(full);
    mock.order(|cluster| cluster.broker_down(1).unwrap());
    let away = follow(&options);
    drop(away);
    drop(idle);
}
