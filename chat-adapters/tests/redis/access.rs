//! Users and passwords.

use std::time::Duration;

use chat_adapters::redis::{RedisOptions, RedisPresence};
use chat_core::ports::{Bus, Presence};
use chat_core::types::{NodeId, UserId};
use chat_core::{BackendErrorKind, Timestamp, chain};
use chat_test_services::Redis;
use libtest_mimic::Trial;

use crate::scene::{
    PLENTY, ask, ask_all, bus, info, notice, reader, topic, trials, until_delivered, until_gap,
};

/// What the adapter needs, as the documentation of its module has it.
const RULES: &str = "on >p@ss:word resetkeys resetchannels -@all ~{chat:* &chat:* +@connection +publish +subscribe \
    +unsubscribe +pubsub|channels +spublish +ssubscribe +sunsubscribe +cluster|slots +evalsha +eval +hmget +hset +hdel +zadd +zrem \
    +zcount +zmscore +zrangebyscore +pexpire";

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "access":
        Redis {
            a_user_with_only_the_rights_that_are_needed_can_do_everything,
            a_wrong_password_is_told_without_it_and_not_tried_in_a_busy_loop,
            a_password_that_is_corrected_on_the_server_heals_by_itself,
            a_missing_right_is_told,
        }
    }
}

fn url(redis: &Redis, user: &str) -> String {
    format!("redis://{user}@{}", redis.address())
}

async fn a_user_with_only_the_rights_that_are_needed_can_do_everything() {
    let redis = Redis::start().unwrap();
    let made = ask(redis.address(), &format!("ACL SETUSER chat {RULES}"));
    assert!(made.starts_with("+OK"), "{made}");
    let url = url(&redis, "chat:p%40ss%3Aword");
    let bus = bus(&url);
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&[topic(1), topic(2)]).await.unwrap();
    until_delivered(&bus, &*subscription, topic(1)).await;
    subscription.remove(&[topic(2)]).await.unwrap();
    let presence = RedisPresence::new(RedisOptions::parse(&url).unwrap());
    let (node, user) = (NodeId::parse("n1").unwrap(), [UserId::new(1).unwrap()]);
    let (now, ttl) = (Timestamp::from_millis(1), Duration::from_millis(10));
    for name in ["n1", "n2"] {
        let node = NodeId::parse(name).unwrap();
        presence.renew(&node, &user, now, ttl).await.unwrap();
    }
    assert_eq!(presence.release(&node, &user, now).await.unwrap(), []);
    assert_eq!(presence.online(&user, now).await.unwrap(), [true]);
    assert_eq!(presence.sweep(now.after(ttl), 10).await.unwrap(), user);
    let denied = ask(redis.address(), "ACL LOG");
    // A refused `CLIENT SETINFO` and the like would stand here.
    assert_eq!(denied.lines().next(), Some("*0"), "{denied}");
    bus.close().await;
    presence.close().await;
}

async fn a_wrong_password_is_told_without_it_and_not_tried_in_a_busy_loop() {
    let redis = Redis::start().unwrap();
    ask(redis.address(), "CONFIG SET requirepass right");
    let stats = || ask_all(redis.address(), &["AUTH right", "INFO stats"]);
    let before = info(&stats(), "total_connections_received");
    let bus = bus(&url(&redis, ":secret-but-wrong"));
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let errors = [
        bus.publish(&[notice(topic(1), 0)]).await.unwrap_err(),
        subscription.add(&[topic(1)]).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), BackendErrorKind::NotDone);
        let told = format!("{} {error:?} {bus:?} {subscription:?}", chain(&error));
        assert!(told.contains("refuses the user or the password"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    for _ in 0..4 {
        until_gap(&*subscription).await;
        assert!(bus.publish(&[notice(topic(1), 0)]).await.is_err());
    }
    bus.close().await;
    let tried = info(&stats(), "total_connections_received") - before;
    println!("{tried} connections");
    assert!(tried < 25, "{tried} connections");
}

async fn a_password_that_is_corrected_on_the_server_heals_by_itself() {
    let redis = Redis::start().unwrap();
    ask(redis.address(), "CONFIG SET requirepass old");
    let bus = bus(&url(&redis, ":new"));
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    assert!(subscription.add(&[topic(1)]).await.is_err());
    ask_all(redis.address(), &["AUTH old", "CONFIG SET requirepass new"]);
    until_delivered(&bus, &*subscription, topic(1)).await;
    bus.close().await;
}

async fn a_missing_right_is_told() {
    let redis = Redis::start().unwrap();
    let made = ask(
        redis.address(),
        "ACL SETUSER other on >word resetchannels &other:* +@all",
    );
    assert!(made.starts_with("+OK"), "{made}");
    let bus = bus(&url(&redis, "other:word"));
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    let errors = [
        bus.publish(&[notice(topic(1), 0)]).await.unwrap_err(),
        subscription.add(&[topic(1)]).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), BackendErrorKind::NotDone);
        assert!(chain(&error).contains("no permissions"), "{}", chain(&error));
    }
    bus.close().await;
}
