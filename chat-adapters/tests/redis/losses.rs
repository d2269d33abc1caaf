//! Connections that are lost, stall, or never were.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chat_adapters::redis::RedisBus;
use chat_core::BackendErrorKind;
use chat_core::ports::{Bus, BusItem, BusSubscription};
use chat_test_services::{Redis, TcpProxy, eventually};
use futures_util::FutureExt;
use libtest_mimic::Trial;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::scene::{PLENTY, ask, bus, next, notice, reader, topic, trials, until_delivered, until_gap};

/// The port allows a second; the rest is for a machine under load.
const EACH_SECOND: Duration = Duration::from_millis(1_500);

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "losses":
        Redis {
            a_killed_connection_is_followed_by_a_gap_and_then_delivers,
            a_stalled_connection_is_found_within_four_seconds_and_heals,
            a_frozen_server_is_found_within_four_seconds_and_heals,
            a_cut_connection_is_found_at_once_and_heals,
            a_restarted_server_is_subscribed_again,
            a_bus_starts_while_redis_is_away_and_works_once_it_is_there,
            what_is_added_while_redis_is_away_is_followed_by_a_gap,
            a_call_that_was_given_up_is_followed_by_a_gap,
            a_slow_reader_finds_one_gap_in_place_of_what_found_no_room,
            a_dropped_subscription_leaves_no_connection,
            a_closed_bus_ends_its_subscriptions_and_connections,
            a_server_that_closes_each_connection_is_not_asked_in_a_busy_loop,
        }
    }
}

async fn listening(bus: &RedisBus) -> Box<dyn BusSubscription> {
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&[topic(1), topic(2)]).await.unwrap();
    bus.publish(&[notice(topic(1), 0)]).await.unwrap();
    assert_eq!(next(&*subscription).await, BusItem::Notice(notice(topic(1), 0)));
    subscription
}

async fn a_killed_connection_is_followed_by_a_gap_and_then_delivers() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = listening(&bus).await;
    let killed = ask(redis.address(), "CLIENT KILL TYPE pubsub");
    assert!(killed.starts_with(":1"), "{killed}");
    let gap = until_gap(&*subscription).await;
    assert!(gap < Duration::from_secs(1), "the gap came after {gap:?}");
    until_delivered(&bus, &*subscription, topic(2)).await;
    bus.close().await;
}

/// Breaks the way to Redis, and looks at what the bus makes of it.
async fn broken_and_healed(
    bus: &RedisBus,
    found_within: Duration,
    break_it: impl FnOnce(),
    heal_it: impl FnOnce(),
) {
    let subscription = listening(bus).await;
    break_it();
    let found = until_gap(&*subscription).await;
    println!("a gap after {found:?}");
    assert!(found < found_within, "the gap came after {found:?}");
    for _ in 0..3 {
        let again = until_gap(&*subscription).await;
        assert!(again < EACH_SECOND, "the next gap came after {again:?}");
    }
    let begin = Instant::now();
    let published = bus.publish(&[notice(topic(1), 1)]).await;
    assert!(published.is_err());
    let waited = begin.elapsed();
    assert!(waited < Duration::from_secs(2), "publishing waits for {waited:?}");
    heal_it();
    let begin = Instant::now();
    until_delivered(bus, &*subscription, topic(1)).await;
    until_delivered(bus, &*subscription, topic(2)).await;
    println!("healed after {:?}", begin.elapsed());
    let begin = Instant::now();
    while begin.elapsed() < EACH_SECOND {
        let quiet = tokio::time::timeout(EACH_SECOND, subscription.next(1)).await;
        assert_ne!(quiet.unwrap_or_default(), [BusItem::Gap], "gaps go on");
    }
}

async fn a_stalled_connection_is_found_within_four_seconds_and_heals() {
    let redis = Redis::start().unwrap();
    let proxy = TcpProxy::start(redis.address()).unwrap();
    let bus = bus(&Redis::url_at(proxy.address()));
    let (stall, resume) = (|| proxy.stall().unwrap(), || proxy.resume().unwrap());
    broken_and_healed(&bus, Duration::from_secs(4), stall, resume).await;
    bus.close().await;
}

async fn a_frozen_server_is_found_within_four_seconds_and_heals() {
    let redis = std::cell::RefCell::new(Redis::start().unwrap());
    let bus = bus(&redis.borrow().url());
    let freeze = || redis.borrow_mut().freeze().unwrap();
    broken_and_healed(&bus, Duration::from_secs(4), freeze, || redis.borrow_mut().thaw()).await;
    bus.close().await;
}

async fn a_cut_connection_is_found_at_once_and_heals() {
    let redis = Redis::start().unwrap();
    let proxy = TcpProxy::start(redis.address()).unwrap();
    let bus = bus(&Redis::url_at(proxy.address()));
    let (cut, resume) = (|| proxy.cut().unwrap(), || proxy.resume().unwrap());
    broken_and_healed(&bus, Duration::from_secs(1), cut, resume).await;
    bus.close().await;
}

async fn a_restarted_server_is_subscribed_again() {
    let redis = std::cell::RefCell::new(Redis::start().unwrap());
    let bus = bus(&redis.borrow().url());
    let kill = || redis.borrow_mut().kill().unwrap();
    let restart = || redis.borrow_mut().restart().unwrap();
    broken_and_healed(&bus, Duration::from_secs(1), kill, restart).await;
    bus.close().await;
}

async fn a_bus_starts_while_redis_is_away_and_works_once_it_is_there() {
    let mut redis = Redis::start().unwrap();
    redis.kill().unwrap();
    let begin = Instant::now();
    let bus = bus(&redis.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let waited = begin.elapsed();
    assert!(waited < Duration::from_millis(500), "starting took {waited:?}");
    let error = bus.publish(&[notice(topic(1), 0)]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone);
    assert!(subscription.add(&[topic(1)]).await.is_err());
    until_gap(&*subscription).await;
    until_gap(&*subscription).await;
    redis.restart().unwrap();
    until_delivered(&bus, &*subscription, topic(1)).await;
    bus.close().await;
}

async fn what_is_added_while_redis_is_away_is_followed_by_a_gap() {
    let mut redis = Redis::start().unwrap();
    // So many that the topics are on channels of their own.
    let bus = bus(&format!("{}?channels=4096", redis.url()));
    let subscription = listening(&bus).await;
    let before = ask(redis.address(), "PUBSUB CHANNELS chat:bus:4096:*");
    assert!(before.starts_with("*2"), "{before}");
    redis.kill().unwrap();
    until_gap(&*subscription).await;
    let error = subscription.add(&[topic(3)]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone);
    let again = subscription.add(&[topic(3)]).await;
    assert!(again.is_err(), "a repetition says that it is heard");
    subscription.remove(&[topic(2)]).await.unwrap();
    redis.restart().unwrap();
    until_delivered(&bus, &*subscription, topic(3)).await;
    let after = ask(redis.address(), "PUBSUB CHANNELS chat:bus:4096:*");
    assert!(after.starts_with("*2"), "{after}");
    assert_ne!(
        after, before,
        "the channel of the topic that was removed, or added"
    );
    bus.close().await;
}

async fn a_call_that_was_given_up_is_followed_by_a_gap() {
    let mut redis = Redis::start().unwrap();
    // So many that the topic has a channel of its own, which Redis is asked for, and Redis does not answer: otherwise the
    // call may be done before it can be given up.
    let bus = bus(&format!("{}?channels=4096", redis.url()));
    let subscription = listening(&bus).await;
    redis.freeze().unwrap();
    let given_up = subscription.add(&[topic(3)]).now_or_never();
    assert!(given_up.is_none(), "{given_up:?}");
    redis.thaw();
    assert_eq!(next(&*subscription).await, BusItem::Gap);
    until_delivered(&bus, &*subscription, topic(3)).await;
    bus.close().await;
}

async fn a_slow_reader_finds_one_gap_in_place_of_what_found_no_room() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let (slow, quick) = (
        bus.subscribe(&reader(), 4).await.unwrap(),
        bus.subscribe(&reader(), PLENTY).await.unwrap(),
    );
    for subscription in [&slow, &quick] {
        subscription.add(&[topic(1)]).await.unwrap();
    }
    let notices: Vec<_> = (0..1_000).map(|number| notice(topic(1), number)).collect();
    bus.publish(&notices).await.unwrap();
    for expected in notices {
        assert_eq!(next(&*quick).await, BusItem::Notice(expected));
    }
    // The slow one has been sent everything as well by then, or a little later.
    let ended = |items: &[BusItem]| items.len() == 4;
    let mut items = Vec::new();
    while !ended(&items) {
        items.push(next(&*slow).await);
    }
    let expected: Vec<_> = (0..3)
        .map(|number| BusItem::Notice(notice(topic(1), number)))
        .collect();
    assert_eq!((&items[..3], &items[3]), (expected.as_slice(), &BusItem::Gap));
    until_delivered(&bus, &*slow, topic(1)).await;
    bus.close().await;
}

fn connections(redis: &Redis) -> usize {
    // One of them asks.
    ask(redis.address(), "CLIENT LIST").matches("addr=").count() / 2 - 1
}

async fn a_dropped_subscription_leaves_no_connection() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = listening(&bus).await;
    assert_eq!(connections(&redis), 2);
    drop(subscription);
    eventually("the connection ends", || (connections(&redis) == 1).then_some(())).unwrap();
    bus.close().await;
}

async fn a_closed_bus_ends_its_subscriptions_and_connections() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = listening(&bus).await;
    bus.close().await;
    assert_eq!(subscription.next(1).await, []);
    assert!(bus.subscribe(&reader(), PLENTY).await.is_err());
    assert!(bus.publish(&[notice(topic(1), 0)]).await.is_err());
    let begin = Instant::now();
    assert!(subscription.add(&[topic(5)]).await.is_err());
    let waited = begin.elapsed();
    assert!(
        waited < Duration::from_secs(1),
        "a closed bus is waited for {waited:?}"
    );
    eventually("all connections end", || (connections(&redis) == 0).then_some(())).unwrap();
}

async fn a_server_that_closes_each_connection_is_not_asked_in_a_busy_loop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let (mut server, counter) = (JoinSet::new(), Arc::clone(&taken));
    server.spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let bus = bus(&format!("redis://{address}"));
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let _ = subscription.add(&[topic(1)]).await;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        let _ = bus.publish(&[notice(topic(1), 0)]).await;
        let _ = subscription.add(&[topic(2)]).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bus.close().await;
    let taken = taken.load(Ordering::Relaxed);
    println!("{taken} connections in 4 s");
    // Two parties, each after 50, 100, 200 and 400 ms and then every half second at the soonest.
    assert!((4..=26).contains(&taken), "{taken} connections in 4 s");
}
