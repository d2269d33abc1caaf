//! Nodes of two versions on one bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat_core::ports::{Bus, BusItem};
use chat_test_services::Redis;
use libtest_mimic::Trial;
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::scene::{PLENTY, ask, bus, next, notice, topic, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials! { "upgrades": Redis { what_another_version_publishes_is_skipped_and_counted } }
}

/// Counts what is skipped.
#[derive(Debug, Default)]
struct Skipped(Arc<Count>);

#[derive(Debug, Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }
    fn absolute(&self, _: u64) {}
}

impl Recorder for Skipped {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "chat_redis_skipped_total" => Counter::from_arc(Arc::clone(&self.0)),
            _ => Counter::noop(),
        }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

async fn what_another_version_publishes_is_skipped_and_counted() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let skipped = Skipped::default();
    let count = Arc::clone(&skipped.0);
    // The counter is asked for on whichever thread reads the connection, so it is one for all.
    metrics::set_global_recorder(skipped).unwrap();
    let subscription = bus.subscribe(PLENTY).await.unwrap();
    subscription.add(&[topic(1)]).await.unwrap();
    for payload in [
        r#""\x02\x01\x02n1more""#,
        r#""\x01\x63\x02n1""#,
        "rubbish",
        "\"\"",
    ] {
        let published = ask(redis.address(), &format!("PUBLISH chat:user:1 {payload}"));
        assert!(published.starts_with(":1"), "{published}");
    }
    bus.publish(&[notice(topic(1), 7)]).await.unwrap();
    assert_eq!(next(&*subscription).await, BusItem::Notice(notice(topic(1), 7)));
    assert_eq!(count.0.load(Ordering::Relaxed), 4);
    bus.close().await;
}
