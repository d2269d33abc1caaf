//! Publishing and subscribing on Redis and nothing else: what a bus between nodes could reach.
//!
//! `reference-bus redis://127.0.0.1` publishes payloads of the size of a message on a few channels, in pipelines, and receives
//! them on a connection that subscribed to all of them. It counts what came, and then times one payload after the other.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use futures_util::{Stream, StreamExt as _};
use hdrhistogram::Histogram;
use redis::aio::MultiplexedConnection;
use redis::{Client, Msg};
use serde::Serialize;
use tokio::time::timeout;

/// The size of a message's event.
const PAYLOAD: [u8; 150] = [b'x'; 150];
/// Payloads that were published and have not come, at most: Redis cuts a subscriber off who falls far behind.
const UNDER_WAY: u64 = 20_000;
/// Payloads that are timed one by one.
const TIMED: u32 = 2_000;
/// How long to wait for what is under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes on Redis and receives it, and does nothing else.
#[derive(Debug, Parser)]
struct Arguments {
    /// The URL of a Redis
    url: String,
    /// Channels that take turns
    #[arg(long, default_value_t = 16)]
    channels: u64,
    /// Payloads published in one round trip
    #[arg(long, default_value_t = 50)]
    pipeline: u64,
    /// How long to measure
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What came.
#[derive(Debug, Serialize)]
struct Measured {
    received_per_second: f64,
    /// From publishing one payload to having it, with nothing else under way.
    p50_us: u64,
    p99_us: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let client = Client::open(arguments.url.as_str())?;
    let mut publisher = client.get_multiplexed_async_connection().await?;
    let mut subscriber = client.get_async_pubsub().await?;
    // Beside those of anybody else on the same server.
    let channels: Vec<_> = (0..arguments.channels.max(1))
        .map(|number| format!("reference-bus-{}-{number}", std::process::id()))
        .collect();
    for channel in &channels {
        subscriber.subscribe(channel).await?;
    }
    let mut payloads = subscriber.into_on_message();
    let received_per_second = rate(&arguments, &channels, &mut publisher, &mut payloads).await?;
    let waits = one_by_one(&channels, &mut publisher, &mut payloads).await?;
    print(
        &arguments,
        &Measured {
            received_per_second,
            p50_us: waits.value_at_quantile(0.5),
            p99_us: waits.value_at_quantile(0.99),
        },
    )
}

fn print(arguments: &Arguments, measured: &Measured) -> Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string(measured)?);
        return Ok(());
    }
    let Measured {
        received_per_second,
        p50_us,
        p99_us,
    } = measured;
    println!(
        "{received_per_second:.0} received/s in pipelines of {}; one by one: p50 {p50_us} µs, p99 {p99_us} µs",
        arguments.pipeline
    );
    Ok(())
}

/// As much as possible at once.
async fn rate(
    arguments: &Arguments,
    channels: &[String],
    publisher: &mut MultiplexedConnection,
    payloads: &mut (impl Stream<Item = Msg> + Unpin),
) -> Result<f64> {
    let (begun, time) = (Instant::now(), Duration::from_secs(arguments.seconds));
    let (publishing, mut all) = tokio::sync::oneshot::channel();
    let (received, arrived) = tokio::sync::watch::channel(0_u64);
    let publish = async {
        let (mut names, mut count, mut arrived) = (channels.iter().cycle(), 0, arrived);
        while begun.elapsed() < time {
            let mut pipeline = redis::pipe();
            for channel in names.by_ref().take(usize::try_from(arguments.pipeline)?) {
                pipeline.publish(channel, &PAYLOAD).ignore();
            }
            pipeline.exec_async(publisher).await?;
            count += arguments.pipeline;
            arrived.wait_for(|arrived| count - arrived < UNDER_WAY).await?;
        }
        // The other half waits for it.
        publishing.send(count).ok();
        anyhow::Ok(())
    };
    let receive = async {
        let (mut count, mut expected) = (0, u64::MAX);
        while count < expected {
            tokio::select! {
                all = &mut all, if expected == u64::MAX => expected = all?,
                payload = timeout(PATIENCE, payloads.next()) => {
                    let payload = payload?.context("Redis closed the connection")?;
                    ensure!(payload.get_payload_bytes() == PAYLOAD, "another payload came");
                    count += 1;
                    received.send_replace(count);
                }
            }
        }
        Ok((count, begun.elapsed()))
    };
    let ((), (received, taken)) = tokio::try_join!(publish, receive)?;
    Ok(received as f64 / taken.as_secs_f64())
}

/// From publishing to having it, with nothing else under way.
async fn one_by_one(
    channels: &[String],
    publisher: &mut MultiplexedConnection,
    payloads: &mut (impl Stream<Item = Msg> + Unpin),
) -> Result<Histogram<u64>> {
    let mut waits = Histogram::new(3)?;
    for (channel, _) in channels.iter().cycle().zip(0..TIMED) {
        let begun = Instant::now();
        redis::cmd("PUBLISH")
            .arg(channel)
            .arg(&PAYLOAD)
            .exec_async(publisher)
            .await?;
        let payload = timeout(PATIENCE, payloads.next()).await?;
        payload.context("Redis closed the connection")?;
        waits.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    Ok(waits)
}
