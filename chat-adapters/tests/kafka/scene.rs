//! Records, and what is in Kafka of them.

use std::time::Duration;

use chat_adapters::kafka::{Follow, KafkaError, KafkaLog, KafkaLogReader, KafkaOptions};
use chat_core::Timestamp;
use chat_core::ports::{EventLog, Level, LogRecord, LogStatus};
use chat_core::types::NodeId;
use chat_test_services::DEADLINE;
use futures_util::{StreamExt, TryStreamExt};

/// The topic of most tests.
pub(crate) const TOPIC: &str = "events";

/// Lists tests with the services that they need.
macro_rules! trials {
    ($module:literal: $services:expr, { $($test:ident),+ $(,)? }) => {
        vec![$(chat_test_services::async_trial(
            concat!($module, "::", stringify!($test)),
            $services,
            $test,
        )),+]
    };
}
pub(crate) use trials;

pub(crate) fn log(options: &KafkaOptions) -> KafkaLog {
    KafkaLog::open(options.clone()).unwrap()
}

/// A moment in the recent past, from which Kafka keeps records: the first of a test.
pub(crate) fn at(millis: u64) -> Timestamp {
    use chat_core::{Clock, SystemClock};
    static BEGIN: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    let begin = BEGIN.get_or_init(|| SystemClock.now().before(Duration::from_secs(3_600)));
    begin.after(Duration::from_millis(millis))
}

pub(crate) fn record_of(node: &str, number: u64) -> LogRecord {
    LogRecord {
        at: at(number),
        node: NodeId::parse(node).unwrap(),
        number,
        level: Level::Info,
        event: "session_opened".to_owned(),
        fields: serde_json::Map::new(),
    }
}

pub(crate) fn record(number: u64) -> LogRecord {
    record_of("n1", number)
}

pub(crate) fn append(log: &KafkaLog, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        log.append(record(number));
    }
}

pub(crate) async fn flush(log: &KafkaLog) {
    log.flush(DEADLINE).await.unwrap();
}

/// Waits until the log is as expected.
pub(crate) async fn until(log: &KafkaLog, what: &str, is_so: impl Fn(LogStatus) -> bool) {
    eventually(what, || is_so(log.status())).await;
}

pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + DEADLINE;
    while !is_so() {
        assert!(tokio::time::Instant::now() < end, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All records that are in Kafka.
pub(crate) async fn records(options: &KafkaOptions) -> Vec<LogRecord> {
    try_records(options, None).await.unwrap()
}

pub(crate) async fn try_records(
    options: &KafkaOptions,
    since: Option<Timestamp>,
) -> Result<Vec<LogRecord>, KafkaError> {
    let reader = KafkaLogReader::open(options.clone()).unwrap();
    let records = reader.read(since, Follow::No).unwrap();
    tokio::time::timeout(DEADLINE, records.try_collect())
        .await
        .unwrap()
}

/// The numbers of the records that are in Kafka, of the one node there is.
pub(crate) async fn numbers(options: &KafkaOptions) -> Vec<u64> {
    let records = records(options).await;
    records.into_iter().map(|record| record.number).collect()
}

/// Fails unless these records are in Kafka in order, up to the last one, and as many are missing as were dropped.
pub(crate) async fn expect_all_but_dropped(log: &KafkaLog, options: &KafkaOptions, all: u64) {
    let arrived = numbers(options).await;
    assert!(
        arrived.is_sorted_by(|one, next| one < next),
        "out of order or repeated"
    );
    assert_eq!(arrived.last(), Some(&all), "the last record");
    let missing = all - arrived.len() as u64;
    assert_eq!(
        missing,
        log.status().dropped,
        "as many are missing as were dropped"
    );
}

/// The next record of a stream.
pub(crate) async fn next(
    records: &mut (impl StreamExt<Item = Result<LogRecord, KafkaError>> + Unpin),
) -> LogRecord {
    let next = tokio::time::timeout(DEADLINE, records.next()).await;
    next.unwrap().unwrap().unwrap()
}
