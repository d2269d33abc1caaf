//! Nodes of two versions on one bus.

use chat_core::ports::{Bus, BusItem};
use chat_test_services::Redis;
use libtest_mimic::Trial;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::counted::series;
use crate::scene::{PLENTY, ask, bus, next, notice, topic, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials! { "upgrades": Redis { what_another_version_publishes_is_skipped_and_counted } }
}

async fn what_another_version_publishes_is_skipped_and_counted() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    // The counters are asked for on whichever thread reads the connection, so they are for all.
    let counted = PrometheusBuilder::new().install_recorder().unwrap();
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
    let mut skipped = series(&counted);
    skipped.retain(|name, _| name.starts_with("chat_redis_skipped_total"));
    assert_eq!(skipped.values().sum::<i64>(), 4, "{skipped:?}");
    bus.close().await;
}
