//! A Redis Cluster whose servers restart, stand still and give slots to each other.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use chat_adapters::redis::{RedisOptions, RedisPresence};
use chat_core::Timestamp;
use chat_core::ports::{Bus, BusItem, Presence, Topic};
use chat_core::types::{NodeId, UserId};
use chat_test_services::RedisCluster;
use libtest_mimic::Trial;

use crate::scene::{
    PLENTY, ask, bus, next, notice, reader, silence, topic, trials, until_delivered, until_gap,
};

const TOPICS: u64 = 1_000;
/// Unless the URL says otherwise.
const CHANNELS: usize = 16;

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "cluster":
        RedisCluster {
            notices_of_topics_on_all_servers_arrive_in_order,
            a_restart_of_all_servers_is_followed_by_a_gap_and_works_on,
            a_server_that_stands_still_is_followed_by_a_gap_and_the_others_work_on,
            slots_that_move_are_followed,
            a_killed_connection_to_one_server_is_followed_by_a_gap,
        }
    }
}

fn topics() -> Vec<Topic> {
    (1..=TOPICS).map(topic).collect()
}

/// Asks a server for the number of its clients' shard channels.
fn channels_at(address: SocketAddr) -> usize {
    let answer = ask(address, "PUBSUB SHARDCHANNELS chat:*");
    answer.lines().filter(|line| line.starts_with("chat:")).count()
}

async fn notices_of_topics_on_all_servers_arrive_in_order() {
    let cluster = RedisCluster::start().unwrap();
    let bus = bus(&cluster.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&topics()).await.unwrap();
    let mut counts: Vec<_> = cluster.addresses().map(channels_at).collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 5, 6]);
    let notices: Vec<_> = (0..5)
        .flat_map(|number| topics().into_iter().map(move |topic| notice(topic, number)))
        .collect();
    bus.publish(&notices).await.unwrap();
    let mut numbers: HashMap<Topic, u64> = HashMap::new();
    for _ in 0..notices.len() {
        let BusItem::Notice(received) = next(&*subscription).await else {
            panic!("a gap although there is room");
        };
        let number = numbers.entry(received.topic).or_default();
        assert_eq!(received, notice(received.topic, *number));
        *number += 1;
    }
    subscription.remove(&topics()).await.unwrap();
    assert_eq!(cluster.addresses().map(channels_at).sum::<usize>(), 0);
    bus.close().await;
}

async fn a_restart_of_all_servers_is_followed_by_a_gap_and_works_on() {
    let mut cluster = RedisCluster::start().unwrap();
    let bus = bus(&cluster.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&topics()).await.unwrap();
    cluster.kill().unwrap();
    until_gap(&*subscription).await;
    until_gap(&*subscription).await;
    cluster.restart().unwrap();
    for id in [1, 2, 3, 4, 5, TOPICS] {
        until_delivered(&bus, &*subscription, topic(id)).await;
    }
    let counts: Vec<_> = cluster.addresses().map(channels_at).collect();
    assert_eq!(counts.iter().sum::<usize>(), CHANNELS, "{counts:?}");
    bus.close().await;
}

async fn a_server_that_stands_still_is_followed_by_a_gap_and_the_others_work_on() {
    let cluster = RedisCluster::start().unwrap();
    let bus = bus(&cluster.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&topics()).await.unwrap();
    let address = cluster.addresses().next().unwrap();
    // It goes on with its gossip, so the others do not take it for dead.
    let begin = Instant::now();
    silence(address, "CLIENT PAUSE 8000 ALL");
    let found = until_gap(&*subscription).await;
    println!("a gap after {found:?}");
    assert!(found < Duration::from_secs(4), "the gap came after {found:?}");
    let mut arrived = 0;
    for number in 0..100 {
        let _ = tokio::time::timeout(
            Duration::from_millis(20),
            bus.publish(&[notice(topic(number % 10 + 1), number)]),
        )
        .await;
        while let Ok(items) = tokio::time::timeout(Duration::from_millis(2), subscription.next(1)).await {
            arrived += u64::from(items != [BusItem::Gap]);
        }
    }
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "the server speaks again"
    );
    assert!(
        arrived > 20,
        "only {arrived} notices arrive from the other servers"
    );
    for id in 1..=10 {
        until_delivered(&bus, &*subscription, topic(id)).await;
    }
    bus.close().await;
}

/// Moves slots with their keys from one server to another, as operators do.
fn reshard(cluster: &RedisCluster, count: u64) {
    let addresses: Vec<_> = cluster.addresses().collect();
    let id = |address: SocketAddr| {
        let answer = ask(address, "CLUSTER MYID");
        answer.lines().nth(1).unwrap().trim().to_owned()
    };
    let output = Command::new("redis-cli")
        .args(["--cluster", "reshard", &addresses[0].to_string(), "--cluster-yes"])
        .args([
            "--cluster-from",
            &id(addresses[0]),
            "--cluster-to",
            &id(addresses[1]),
        ])
        .args(["--cluster-slots", &count.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

async fn slots_that_move_are_followed() {
    let cluster = RedisCluster::start().unwrap();
    let bus = bus(&cluster.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&topics()).await.unwrap();
    let presence = RedisPresence::new(RedisOptions::parse(&cluster.url()).unwrap());
    let (node, ttl) = (NodeId::parse("n1").unwrap(), Duration::from_secs(12));
    let users: Vec<_> = (1..=300).map(|id| UserId::new(id).unwrap()).collect();
    presence
        .renew(&node, &users, Timestamp::from_millis(0), ttl)
        .await
        .unwrap();
    let first = cluster.addresses().next().unwrap();
    let before = channels_at(first);
    reshard(&cluster, 2_000);
    until_gap(&*subscription).await;
    for id in 1..=30 {
        until_delivered(&bus, &*subscription, topic(id)).await;
    }
    let counts: Vec<_> = cluster.addresses().map(channels_at).collect();
    assert_eq!(counts.iter().sum::<usize>(), CHANNELS, "{counts:?}");
    assert!(counts[0] < before, "{counts:?}");
    // The leases have moved with their slots.
    let now = Timestamp::from_millis(1);
    assert_eq!(presence.online(&users, now).await.unwrap(), vec![true; 300]);
    assert_eq!(presence.renew(&node, &users, now, ttl).await.unwrap(), []);
    bus.publish(
        &topics()
            .into_iter()
            .map(|topic| notice(topic, 1))
            .collect::<Vec<_>>(),
    )
    .await
    .unwrap();
    presence.close().await;
    bus.close().await;
}

async fn a_killed_connection_to_one_server_is_followed_by_a_gap() {
    let cluster = RedisCluster::start().unwrap();
    let bus = bus(&cluster.url());
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&topics()).await.unwrap();
    let address = cluster.addresses().next().unwrap();
    let killed = ask(address, "CLIENT KILL TYPE pubsub");
    assert!(killed.starts_with(":1"), "{killed}");
    let gap = until_gap(&*subscription).await;
    assert!(gap < Duration::from_secs(1), "the gap came after {gap:?}");
    for id in 1..=10 {
        until_delivered(&bus, &*subscription, topic(id)).await;
    }
    bus.close().await;
}
