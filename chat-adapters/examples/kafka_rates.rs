//! What the event log in Kafka costs whoever writes to it, and how fast it is, with the Kafka that a URL names:
//! `cargo run --release -p chat-adapters --features kafka --example kafka_rates -- kafka://127.0.0.1/rates`

use std::error::Error;
use std::time::{Duration, Instant};

use chat_adapters::kafka::{Follow, KafkaLog, KafkaLogReader, KafkaOptions};
use chat_core::ports::{EventLog, Level, LogRecord};
use chat_core::types::NodeId;
use chat_core::{Clock, SystemClock};
use futures_util::{StreamExt, TryStreamExt};

const RECORDS: u64 = 200_000;
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .ok_or("name the URL of a topic of Kafka")?;
    let options = KafkaOptions {
        buffer: RECORDS as usize,
        ..KafkaOptions::parse(&url)?
    };
    let begin = Instant::now();
    let log = KafkaLog::open(options.clone())?;
    log.append(record(1)?);
    log.flush(DEADLINE).await?;
    println!("from opening to the first record in Kafka: {:?}", begin.elapsed());
    rate(&log).await?;
    delivery(&log, options.clone()).await?;
    reading(options).await
}

fn record(number: u64) -> Result<LogRecord, Box<dyn Error>> {
    let fields = serde_json::json!({"session": number, "user": 1_000 + number, "reason": "logged_out", "duration_ms": 1.5});
    Ok(LogRecord {
        at: SystemClock.now(),
        node: NodeId::parse("n1")?,
        number,
        level: Level::Info,
        event: "session_closed".to_owned(),
        fields: fields.as_object().cloned().unwrap_or_default(),
    })
}

/// As many as possible at once.
async fn rate(log: &KafkaLog) -> Result<(), Box<dyn Error>> {
    let records: Vec<_> = (0..RECORDS)
        .map(|number| record(2 + number))
        .collect::<Result<_, _>>()?;
    let begin = Instant::now();
    for record in records {
        log.append(record);
    }
    let appended = begin.elapsed();
    log.flush(DEADLINE).await?;
    let each = appended.as_secs_f64() * 1e6 / RECORDS as f64;
    let rate = RECORDS as f64 / begin.elapsed().as_secs_f64();
    println!("{RECORDS} records: {each:.2} µs each to append, {rate:.0}/s into Kafka");
    println!("afterwards: {:?}", log.status());
    Ok(())
}

/// One at a time, from appending to a reader's having it.
async fn delivery(log: &KafkaLog, options: KafkaOptions) -> Result<(), Box<dyn Error>> {
    let mut records = KafkaLogReader::open(options)?.read(Some(SystemClock.now()), Follow::Yes)?;
    let (mut appends, mut deliveries) = (Vec::new(), Vec::new());
    for number in 0..200 {
        let record = record(RECORDS + 2 + number)?;
        let begin = Instant::now();
        log.append(record);
        appends.push(begin.elapsed());
        records.next().await.ok_or("the reader has ended")??;
        deliveries.push(begin.elapsed());
    }
    show("one at a time, append", appends);
    show("from append to a reader", deliveries);
    Ok(())
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (middle, high) = (times.get(times.len() / 2), times.get(times.len() * 99 / 100));
    println!("{what}: p50 {middle:?}, p99 {high:?}");
}

/// All that is there.
async fn reading(options: KafkaOptions) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let records: Vec<_> = KafkaLogReader::open(options)?
        .read(None, Follow::No)?
        .try_collect()
        .await?;
    let rate = records.len() as f64 / begin.elapsed().as_secs_f64();
    println!("{} records read back, {rate:.0}/s", records.len());
    Ok(())
}
