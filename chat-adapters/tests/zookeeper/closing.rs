//! The end of a registry.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use chat_core::ports::Registry as _;
use chat_test_services::{DEADLINE, ZooKeeper};
use libtest_mimic::Trial;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::scene::{CALL, SESSION, SLACK, announce, peer, registry, trials, until, until_away};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "closing": {
            a_closed_registry_leaves_no_announcement_no_connection_and_no_task,
            a_dropped_registry_ends_when_its_last_announcement_is_dropped,
            closing_while_zookeeper_is_away_ends_in_time,
            closing_while_zookeeper_stands_still_ends_in_time,
        }
    }
}

/// The runtime counts a task a moment longer than anybody waits for its end.
const AT_ONCE: Duration = Duration::from_millis(300);

/// The connections that ZooKeeper has, the one that asks left out.
fn connections(zookeeper: SocketAddr) -> u64 {
    let mut connection = TcpStream::connect(zookeeper).unwrap();
    connection.write_all(b"srvr").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let count = answer.lines().find_map(|line| line.strip_prefix("Connections: "));
    count.unwrap().trim().parse::<u64>().unwrap() - 1
}

async fn until_none(what: &str, patience: Duration, count: impl Fn() -> u64) {
    let begin = Instant::now();
    while count() > 0 {
        assert!(begin.elapsed() < patience, "{what}: {} are left", count());
        sleep(Duration::from_millis(5)).await;
    }
}

/// The tasks of this test's runtime. The test itself is none.
fn tasks() -> u64 {
    Handle::current().metrics().num_alive_tasks() as u64
}

async fn a_closed_registry_leaves_no_announcement_no_connection_and_no_task() {
    let zookeeper = ZooKeeper::start().unwrap();
    let (backend, node) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let one = peer("b-1", "a:1");
    let announced = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    let begin = Instant::now();
    backend.close().await;
    until(&node, &[]).await;
    let gone = begin.elapsed();
    println!("gone after {gone:?}");
    assert!(gone < SESSION / 2, "gone after {gone:?}");
    backend.announce(&one).await.unwrap_err();
    assert!(backend.changed(&[]).await.is_ok(), "what is known is told");
    assert!(backend.changed(&[one]).await.is_err());
    announced.withdraw().await.unwrap();
    drop(announced);
    node.close().await;
    until_none("tasks", AT_ONCE, tasks).await;
    until_none("connections", DEADLINE, || connections(zookeeper.address())).await;
}

async fn a_dropped_registry_ends_when_its_last_announcement_is_dropped() {
    let zookeeper = ZooKeeper::start().unwrap();
    let (backend, node) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let one = peer("b-1", "a:1");
    let announced = announce(&backend, &one).await;
    drop(backend);
    until(&node, &[one]).await;
    drop(announced);
    let gone = until(&node, &[]).await;
    assert!(gone < SESSION / 2, "gone after {gone:?}");
    drop(node);
    until_none("tasks", DEADLINE, tasks).await;
    until_none("connections", DEADLINE, || connections(zookeeper.address())).await;
}

async fn closing_while_zookeeper_is_away_ends_in_time() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let announced = announce(&backend, &peer("b-1", "a:1")).await;
    zookeeper.kill().unwrap();
    until_away(&backend, true).await;
    let begin = Instant::now();
    backend.close().await;
    assert!(begin.elapsed() < SLACK, "{:?}", begin.elapsed());
    until_none("tasks", AT_ONCE, tasks).await;
    announced.withdraw().await.unwrap_err();
}

async fn closing_while_zookeeper_stands_still_ends_in_time() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let _announced = announce(&backend, &peer("b-1", "a:1")).await;
    zookeeper.freeze().unwrap();
    let begin = Instant::now();
    backend.close().await;
    assert!(begin.elapsed() < CALL + SLACK, "{:?}", begin.elapsed());
    until_none("tasks", AT_ONCE, tasks).await;
}
