//! Messages at fixed times, and how late they are delivered.

use std::time::Duration;

use anyhow::bail;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Addresses, Client, Kind, users};

const TIME: Duration = Duration::from_secs(10);

/// When the messages of a pair are due.
#[derive(Clone, Copy)]
struct Schedule {
    first: Instant,
    interval: Duration,
    count: u32,
}

pub(crate) async fn run(addresses: &Addresses, connections: usize, rate: u64) -> anyhow::Result<()> {
    let senders = users(addresses, 0, connections / 2).await?;
    // Each is one address further than its sender.
    let receivers = users(addresses, 1, connections / 2).await?;
    let pairs = u32::try_from(senders.len())?;
    let interval = Duration::from_secs(1) * pairs / u32::try_from(rate)?;
    let count = u32::try_from(TIME.as_secs() * rate)? / pairs;
    let start = crate::ready(connections).await;
    let mut tasks = JoinSet::new();
    for (place, (sender, receiver)) in (0_u32..).zip(senders.into_iter().zip(receivers)) {
        let schedule = Schedule {
            first: start + interval * place / pairs,
            interval,
            count,
        };
        tasks.spawn(measure(sender, receiver, schedule));
    }
    let mut all = Histogram::<u64>::new(3)?;
    crate::ended(TIME, async {
        while let Some(histogram) = tasks.join_next().await {
            all.add(histogram??)?;
        }
        Ok(())
    })
    .await?;
    let millis = |quantile| all.value_at_quantile(quantile) as f64 / 1_000.0;
    println!(
        "{} messages, all delivered, {:.2} ms p50, {:.2} ms p99",
        all.len(),
        millis(0.5),
        millis(0.99)
    );
    Ok(())
}

async fn measure(sender: Client, receiver: Client, schedule: Schedule) -> anyhow::Result<Histogram<u64>> {
    let to = json!({ "user": receiver.user });
    let (mut replies, mut writer) = (sender.reader, sender.writer);
    let send = async {
        for number in 0..schedule.count {
            tokio::time::sleep_until(schedule.first + schedule.interval * number).await;
            writer.send_message(&to, &number.to_string()).await?;
        }
        anyhow::Ok(())
    };
    let take_replies = async {
        for _ in 0..schedule.count {
            replies.wait_for(Kind::Sent).await?;
        }
        anyhow::Ok(())
    };
    let ((), (), histogram) = tokio::try_join!(send, take_replies, receive(receiver, schedule))?;
    Ok(histogram)
}

async fn receive(mut receiver: Client, schedule: Schedule) -> anyhow::Result<Histogram<u64>> {
    let mut histogram = Histogram::new(3)?;
    let mut number = 0;
    while number < schedule.count {
        let frame = receiver.reader.next().await?;
        if frame.kind != Kind::Message {
            continue;
        }
        if frame.id != number.to_string() {
            bail!("expected message {number}, received {frame:?}");
        }
        let late = (schedule.first + schedule.interval * number).elapsed();
        histogram.record(u64::try_from(late.as_micros())?)?;
        number += 1;
    }
    Ok(histogram)
}
