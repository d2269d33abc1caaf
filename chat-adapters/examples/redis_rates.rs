//! How fast the bus and presence are on the Redis that a URL names:
//! `cargo run --release -p chat-adapters --features redis --example redis_rates -- redis://127.0.0.1`

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_adapters::redis::{RedisBus, RedisOptions, RedisPresence};
use chat_core::Timestamp;
use chat_core::ports::{Bus, BusItem, BusSubscription, Notice, NoticeKind, Presence, Topic};
use chat_core::types::{ConversationId, GroupId, NodeId, Seq, UserId};

const NOTICES: u64 = 200_000;
const TOPICS: u64 = 10_000;
const USERS: u64 = 10_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("name the URL of a Redis")?;
    let options = RedisOptions {
        prefix: format!("rates-{}", std::process::id()),
        ..RedisOptions::parse(&url)?
    };
    let bus = RedisBus::new(options.clone());
    let subscription = bus.subscribe(&NodeId::parse("n2")?, NOTICES as usize).await?;
    subscribe(&*subscription).await?;
    delivery(&bus, &*subscription).await?;
    rate(&bus, &*subscription).await?;
    drop(subscription);
    bus.close().await;
    leases(options).await
}

fn topic(number: u64) -> Result<Topic, Box<dyn Error>> {
    Ok(Topic::Group(GroupId::new(1 + number % TOPICS)?))
}

fn notice(number: u64) -> Result<Notice, Box<dyn Error>> {
    let kind = NoticeKind::Message {
        conversation: ConversationId::group(GroupId::new(1 + number % TOPICS)?),
        seq: Seq::new(number)?,
        session: None,
        frame: Bytes::from(vec![b'x'; 150]),
    };
    let (topic, origin) = (topic(number)?, NodeId::parse("n1")?);
    Ok(Notice { topic, origin, kind })
}

async fn subscribe(subscription: &dyn BusSubscription) -> Result<(), Box<dyn Error>> {
    let topics: Vec<_> = (0..TOPICS).map(topic).collect::<Result<_, _>>()?;
    let begin = Instant::now();
    subscription.add(&topics).await?;
    println!("subscribing to {TOPICS} topics: {:?}", begin.elapsed());
    Ok(())
}

/// One at a time, from publishing to yielding.
async fn delivery(bus: &RedisBus, subscription: &dyn BusSubscription) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    for number in 0..2_000 {
        let notice = notice(number)?;
        let begin = Instant::now();
        bus.publish(std::slice::from_ref(&notice)).await?;
        subscription.next(1).await;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let (middle, high) = (times.get(times.len() / 2), times.get(times.len() * 99 / 100));
    println!("one at a time, publish to next: p50 {middle:?}, p99 {high:?}");
    Ok(())
}

/// In batches as large as a node's.
async fn rate(bus: &RedisBus, subscription: &dyn BusSubscription) -> Result<(), Box<dyn Error>> {
    let notices: Vec<_> = (0..NOTICES).map(notice).collect::<Result<_, _>>()?;
    let begin = Instant::now();
    let publish = async {
        for batch in notices.chunks(1_000) {
            bus.publish(batch).await?;
        }
        Ok::<_, chat_core::BackendError>(begin.elapsed())
    };
    let receive = async {
        let (mut received, mut gaps) = (0, 0);
        while received < NOTICES && gaps == 0 {
            let items = subscription.next(256).await;
            if items.is_empty() {
                break;
            }
            for item in items {
                match item {
                    BusItem::Notice(_) => received += 1,
                    BusItem::Gap => gaps += 1,
                }
            }
        }
        (received, gaps, begin.elapsed())
    };
    let (published, (received, gaps, elapsed)) = tokio::join!(publish, receive);
    let per_second = |elapsed: Duration| (NOTICES as f64 / elapsed.as_secs_f64()).round();
    println!(
        "batches of 1,000: {} published/s, {} received/s ({received} received, {gaps} gaps)",
        per_second(published?),
        per_second(elapsed)
    );
    Ok(())
}

async fn leases(options: RedisOptions) -> Result<(), Box<dyn Error>> {
    let presence = RedisPresence::new(options);
    let (node, ttl) = (NodeId::parse("n1")?, Duration::from_secs(12));
    let users: Vec<_> = (1..=USERS).map(UserId::new).collect::<Result<_, _>>()?;
    for (what, now) in [
        ("the first lease", 1_000),
        ("a renewal", 5_000),
        ("a renewal", 9_000),
    ] {
        let begin = Instant::now();
        let came = presence
            .renew(&node, &users, Timestamp::from_millis(now), ttl)
            .await?;
        println!(
            "{what} of {USERS} users: {:?} ({} came online)",
            begin.elapsed(),
            came.len()
        );
    }
    let now = Timestamp::from_millis(9_000);
    let begin = Instant::now();
    presence.online(&users, now).await?;
    println!("looking {USERS} users up: {:?}", begin.elapsed());
    let begin = Instant::now();
    presence.renew(&node, &[UserId::new(1)?], now, ttl).await?;
    println!("a renewal of one user: {:?}", begin.elapsed());
    let begin = Instant::now();
    let swept = presence.sweep(now.after(ttl), USERS as usize).await?;
    println!("a sweep of {} users: {:?}", swept.len(), begin.elapsed());
    presence.close().await;
    Ok(())
}
