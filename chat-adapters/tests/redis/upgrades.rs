//! Nodes of two versions on one bus.

use chat_core::ports::{Bus, BusItem};
use chat_test_services::Redis;
use libtest_mimic::Trial;

use crate::counted::series;
use crate::scene::{PLENTY, ask, bus, counted_by_all, next, notice, reader, topic, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials! { "upgrades": Redis { what_another_version_publishes_is_skipped_and_counted } }
}

async fn what_another_version_publishes_is_skipped_and_counted() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    // The counters are asked for on whichever thread reads the connection, so they are for all.
    let counted = counted_by_all();
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&[topic(1)]).await.unwrap();
    let publish = |payload: &str| {
        let published = ask(redis.address(), &format!("PUBLISH chat:bus:1:0 {payload}"));
        assert!(published.starts_with(":1"), "{published}");
    };
    // Of what a version has that nobody knows, nobody knows what it held.
    for payload in [r#""\x03\x01\x02n1more""#, "rubbish", "\"\""] {
        publish(payload);
        assert_eq!(next(&*subscription).await, BusItem::Gap);
    }
    // A kind that is new is passed over, and nothing of others is missed.
    publish(r#""\x02\x02n3\x0b\x00\x00\x00\x63\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00""#);
    bus.publish(&[notice(topic(1), 7)]).await.unwrap();
    assert_eq!(next(&*subscription).await, BusItem::Notice(notice(topic(1), 7)));
    let mut skipped = series(counted);
    skipped.retain(|name, _| name.starts_with("chat_redis_skipped_total"));
    assert_eq!(skipped.values().sum::<i64>(), 4, "{skipped:?}");
    bus.close().await;
}
