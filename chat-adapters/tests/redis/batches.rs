//! Many notices in few messages, and few of those that come for each reader.

use chat_core::ports::Topic;
use chat_core::ports::{Bus, BusItem, Notice};
use chat_core::types::{GroupId, NodeId};
use chat_test_services::Redis;
use libtest_mimic::Trial;

use crate::counted::series;
use crate::scene::{PLENTY, ask, bus, counted_by_all, next, notice, reader, topic, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "batches":
        Redis {
            what_is_handed_over_at_once_is_at_most_one_message_a_channel,
            a_notice_for_several_topics_is_carried_once,
            of_what_comes_only_what_is_wanted_is_yielded,
            adding_a_topic_of_a_channel_that_is_subscribed_asks_redis_nothing,
            nodes_of_different_numbers_of_channels_hear_nothing_of_each_other_and_say_so,
        }
    }
}

/// How often Redis has been given a command.
fn calls(redis: &Redis, command: &str) -> u64 {
    let stats = ask(redis.address(), "INFO commandstats");
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

async fn what_is_handed_over_at_once_is_at_most_one_message_a_channel() {
    for (channels, most) in [(1, 1), (8, 8), (64, 64)] {
        let redis = Redis::start().unwrap();
        let bus = bus(&format!("{}?channels={channels}", redis.url()));
        let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
        let topics: Vec<_> = (1..=500).map(topic).collect();
        subscription.add(&topics).await.unwrap();
        let notices: Vec<_> = topics.iter().map(|topic| notice(*topic, 1)).collect();
        bus.publish(&notices).await.unwrap();
        for _ in &notices {
            assert_ne!(next(&*subscription).await, BusItem::Gap);
        }
        let published = calls(&redis, "publish");
        assert!(
            (1..=most).contains(&published),
            "{published} messages on {channels} channels"
        );
        bus.close().await;
    }
}

async fn a_notice_for_several_topics_is_carried_once() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let topics = [topic(1), Topic::Group(GroupId::new(1).unwrap()), topic(3)];
    subscription.add(&topics).await.unwrap();
    let bytes = || crate::scene::info(&ask(redis.address(), "INFO stats"), "total_net_input_bytes");
    let publish = async |notices: &[Notice]| {
        let before = bytes();
        bus.publish(notices).await.unwrap();
        for _ in notices {
            assert_ne!(next(&*subscription).await, BusItem::Gap);
        }
        bytes() - before
    };
    let long = Notice {
        kind: chat_core::ports::NoticeKind::Event {
            frame: vec![b'x'; 60_000].into(),
        },
        ..notice(topic(1), 0)
    };
    let once = publish(std::slice::from_ref(&long)).await;
    let thrice = publish(&topics.map(|topic| Notice {
        topic,
        ..long.clone()
    }))
    .await;
    assert!(
        thrice < once + 10_000,
        "{thrice} bytes for three topics, {once} for one"
    );
    bus.close().await;
}

async fn of_what_comes_only_what_is_wanted_is_yielded() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let wanted = Topic::Group(GroupId::new(7).unwrap());
    subscription.add(&[wanted, topic(8)]).await.unwrap();
    subscription.remove(&[topic(8)]).await.unwrap();
    let others = (1..=20).map(topic);
    let notices: Vec<_> = others.chain([wanted]).map(|topic| notice(topic, 5)).collect();
    bus.publish(&notices).await.unwrap();
    bus.publish(&[notice(wanted, 6)]).await.unwrap();
    for number in [5, 6] {
        assert_eq!(
            next(&*subscription).await,
            BusItem::Notice(notice(wanted, number))
        );
    }
    bus.close().await;
}

async fn adding_a_topic_of_a_channel_that_is_subscribed_asks_redis_nothing() {
    let redis = Redis::start().unwrap();
    let bus = bus(&redis.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    for id in 1..=50 {
        subscription.add(&[topic(id)]).await.unwrap();
    }
    for id in 1..50 {
        subscription.remove(&[topic(id)]).await.unwrap();
    }
    assert_eq!((calls(&redis, "subscribe"), calls(&redis, "unsubscribe")), (1, 0));
    subscription.remove(&[topic(50)]).await.unwrap();
    assert_eq!(calls(&redis, "unsubscribe"), 1);
    bus.close().await;
}

async fn nodes_of_different_numbers_of_channels_hear_nothing_of_each_other_and_say_so() {
    let redis = Redis::start().unwrap();
    let counted = counted_by_all();
    let one = bus(&redis.url());
    let other = bus(&format!("{}?channels=2", redis.url()));
    let subscription = one.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&[topic(1)]).await.unwrap();
    let of_other = Notice {
        origin: NodeId::parse("n3").unwrap(),
        ..notice(topic(1), 1)
    };
    other.publish(&[of_other]).await.unwrap();
    one.publish(&[notice(topic(1), 2)]).await.unwrap();
    assert_eq!(next(&*subscription).await, BusItem::Notice(notice(topic(1), 2)));
    let foreign = || series(counted).get("chat_redis_foreign_channels_total").copied();
    assert_eq!(foreign(), None);
    let later = other.subscribe(&reader(), PLENTY).await.unwrap();
    later.add(&[topic(2)]).await.unwrap();
    assert_eq!(foreign(), Some(1));
    one.close().await;
    other.close().await;
}
