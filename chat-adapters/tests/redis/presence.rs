//! Leases that outlive a loss of all data, and that end by themselves.

use std::time::{Duration, Instant};

use chat_adapters::redis::{RedisOptions, RedisPresence};
use chat_core::ports::Presence;
use chat_core::types::{NodeId, UserId};
use chat_core::{BackendErrorKind, Timestamp};
use chat_test_services::{Redis, RedisCluster, TcpProxy};
use libtest_mimic::Trial;

use crate::scene::{PATIENCE, ask, trials};

const TTL: Duration = Duration::from_secs(12);

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "presence":
        Redis {
            a_redis_that_lost_its_data_is_filled_by_the_next_renewal,
            a_redis_that_forgot_the_scripts_gets_them_again,
            keys_do_not_live_for_ever,
            a_stalled_connection_fails_in_time_and_heals,
            many_users_are_renewed_in_one_call,
            a_redis_without_room_says_that_nothing_was_done,
        }
        RedisCluster { a_cluster_that_lost_its_data_is_filled_by_the_next_renewal }
    }
}

fn presence(url: &str) -> RedisPresence {
    RedisPresence::new(RedisOptions::parse(url).unwrap())
}

fn node() -> NodeId {
    NodeId::parse("n1").unwrap()
}

fn users(count: u64) -> Vec<UserId> {
    (1..=count).map(|id| UserId::new(id).unwrap()).collect()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1_000)
}

/// Renews again and again until it works.
async fn renewed(presence: &RedisPresence, users: &[UserId], now: Timestamp) -> Vec<UserId> {
    let begin = Instant::now();
    loop {
        match presence.renew(&node(), users, now, TTL).await {
            Ok(mut came) => {
                came.sort_unstable();
                return came;
            }
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn filled_again(presence: &RedisPresence, restart: impl FnOnce()) {
    let all = users(300);
    assert_eq!(renewed(presence, &all, at(0)).await, all);
    assert_eq!(renewed(presence, &all, at(4)).await, []);
    restart();
    // In between nobody is online, for all that Redis knows.
    assert_eq!(renewed(presence, &all, at(8)).await, all);
    assert_eq!(presence.online(&all, at(9)).await.unwrap(), vec![true; 300]);
    assert_eq!(renewed(presence, &all, at(12)).await, []);
    let mut swept = presence.sweep(at(24), 1_000).await.unwrap();
    swept.sort_unstable();
    assert_eq!(swept, all);
    presence.close().await;
}

async fn a_redis_that_lost_its_data_is_filled_by_the_next_renewal() {
    let mut redis = Redis::start().unwrap();
    let presence = presence(&redis.url());
    filled_again(&presence, || redis.restart().unwrap()).await;
}

async fn a_cluster_that_lost_its_data_is_filled_by_the_next_renewal() {
    let mut cluster = RedisCluster::start().unwrap();
    let presence = presence(&cluster.url());
    filled_again(&presence, || cluster.restart().unwrap()).await;
}

async fn a_redis_that_forgot_the_scripts_gets_them_again() {
    let redis = Redis::start().unwrap();
    let presence = presence(&redis.url());
    presence.renew(&node(), &users(3), at(0), TTL).await.unwrap();
    assert!(ask(redis.address(), "SCRIPT FLUSH").starts_with("+OK"));
    assert_eq!(
        presence.renew(&node(), &users(4), at(1), TTL).await.unwrap(),
        users(4)[3..]
    );
    assert!(ask(redis.address(), "SCRIPT FLUSH").starts_with("+OK"));
    assert_eq!(
        presence.release(&node(), &users(1), at(2)).await.unwrap(),
        users(1)
    );
    assert!(ask(redis.address(), "SCRIPT FLUSH").starts_with("+OK"));
    assert_eq!(presence.sweep(at(60), 10).await.unwrap().len(), 3);
    presence.close().await;
}

async fn keys_do_not_live_for_ever() {
    let redis = Redis::start().unwrap();
    let presence = presence(&redis.url());
    presence.renew(&node(), &users(200), at(0), TTL).await.unwrap();
    presence.release(&node(), &users(100), at(1)).await.unwrap();
    for key in ["{chat:p:01}:leases", "{chat:p:01}:ends", "{chat:p:63}:leases"] {
        let answer = ask(redis.address(), &format!("PTTL {key}"));
        let left: u64 = answer.lines().next().unwrap()[1..].parse().unwrap();
        // Well above a lease: an hour.
        assert!((3_500_000..=3_600_000).contains(&left), "{key}: {left} ms");
    }
    let keyspace = ask(redis.address(), "INFO keyspace");
    assert!(keyspace.contains("db0:keys=128,expires=128,"), "{keyspace}");
    presence.close().await;
}

async fn a_stalled_connection_fails_in_time_and_heals() {
    let redis = Redis::start().unwrap();
    let proxy = TcpProxy::start(redis.address()).unwrap();
    let presence = presence(&Redis::url_at(proxy.address()));
    presence.renew(&node(), &users(2), at(0), TTL).await.unwrap();
    proxy.stall().unwrap();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        let call = Instant::now();
        let error = presence.renew(&node(), &users(2), at(1), TTL).await.unwrap_err();
        assert!(
            call.elapsed() < Duration::from_secs(2),
            "a call took {:?}",
            call.elapsed()
        );
        assert_ne!(error.kind(), BackendErrorKind::Broken);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    proxy.resume().unwrap();
    renewed(&presence, &users(2), at(4)).await;
    presence.close().await;
}

async fn many_users_are_renewed_in_one_call() {
    let redis = Redis::start().unwrap();
    let presence = presence(&redis.url());
    let all = users(10_000);
    assert_eq!(renewed(&presence, &all, at(0)).await, all);
    ask(redis.address(), "CONFIG RESETSTAT");
    let begin = Instant::now();
    assert_eq!(presence.renew(&node(), &all, at(4), TTL).await.unwrap(), []);
    println!("10,000 users were renewed in {:?}", begin.elapsed());
    let stats = ask(redis.address(), "INFO commandstats");
    let scripts = stats
        .lines()
        .find(|line| line.starts_with("cmdstat_evalsha:"))
        .unwrap();
    assert!(scripts.contains("calls=64,"), "one call a shard: {scripts}");
    presence.close().await;
}

async fn a_redis_without_room_says_that_nothing_was_done() {
    let redis = Redis::start().unwrap();
    let presence = presence(&redis.url());
    presence.renew(&node(), &users(1), at(0), TTL).await.unwrap();
    ask(redis.address(), "CONFIG SET maxmemory 1");
    let error = presence.renew(&node(), &users(1), at(1), TTL).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone, "{error:?}");
    ask(redis.address(), "CONFIG SET maxmemory 0");
    assert_eq!(renewed(&presence, &users(2), at(2)).await, users(2)[1..]);
    presence.close().await;
}
