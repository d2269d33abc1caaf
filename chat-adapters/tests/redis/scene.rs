//! A bus on a Redis that can be broken, and what is expected of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_adapters::redis::{RedisBus, RedisOptions};
use chat_core::ports::{Bus, BusItem, BusSubscription, Notice, NoticeKind, Topic};
use chat_core::types::{NodeId, UserId};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// What does not come within this time is missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PLENTY: usize = 10_000;

/// Lists tests with the services that they need.
macro_rules! trials {
    ($module:literal: $($service:ident { $($test:ident),+ $(,)? })+) => {
        vec![$($(chat_test_services::async_trial(
            concat!($module, "::", stringify!($test)),
            &[chat_test_services::Service::$service],
            $test,
        )),+),+]
    };
}
pub(crate) use trials;

/// The node that listens, which is another one than the notices come from.
pub(crate) fn reader() -> NodeId {
    NodeId::parse("n2").unwrap()
}

pub(crate) fn topic(id: u64) -> Topic {
    Topic::User(UserId::new(id).unwrap())
}

/// A notice that is told apart by its number.
pub(crate) fn notice(topic: Topic, number: u64) -> Notice {
    Notice {
        topic,
        origin: NodeId::parse("n1").unwrap(),
        kind: NoticeKind::Event {
            frame: Bytes::from(number.to_string()),
        },
    }
}

pub(crate) fn bus(url: &str) -> RedisBus {
    RedisBus::new(RedisOptions::parse(url).unwrap())
}

pub(crate) async fn next(subscription: &dyn BusSubscription) -> BusItem {
    let items = tokio::time::timeout(PATIENCE, subscription.next(1)).await;
    items.unwrap().pop().unwrap()
}

/// Waits for a gap, past notices; answers how long that took.
pub(crate) async fn until_gap(subscription: &dyn BusSubscription) -> Duration {
    let begin = Instant::now();
    while next(subscription).await != BusItem::Gap {}
    begin.elapsed()
}

/// Publishes again and again until a notice arrives; answers how long that took.
pub(crate) async fn until_delivered(
    bus: &RedisBus,
    subscription: &dyn BusSubscription,
    to: Topic,
) -> Duration {
    let begin = Instant::now();
    for number in 0.. {
        assert!(begin.elapsed() < PATIENCE, "nothing is delivered any more");
        let _ = bus.publish(&[notice(to, number)]).await;
        let arrived = tokio::time::timeout(Duration::from_millis(50), async {
            loop {
                if let [BusItem::Notice(notice)] = subscription.next(1).await.as_slice()
                    && notice.topic == to
                {
                    break;
                }
            }
        });
        if arrived.await.is_ok() {
            break;
        }
    }
    begin.elapsed()
}

/// The counters of this process, in which tests run at the same time.
pub(crate) fn counted_by_all() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap())
}

/// The answer to one command, typed as in a terminal.
pub(crate) fn ask(address: SocketAddr, command: &str) -> String {
    ask_all(address, &[command])
}

/// Gives a command that silences the server; it answers this one first.
pub(crate) fn silence(address: SocketAddr, command: &str) {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut answer = [0; 5];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

/// The answers to some commands on one connection.
pub(crate) fn ask_all(address: SocketAddr, commands: &[&str]) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let lines = commands.join("\r\n");
    // The end of the connection marks the end of the answers.
    connection
        .write_all(format!("{lines}\r\nQUIT\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// A number out of `INFO`.
pub(crate) fn info(answer: &str, field: &str) -> u64 {
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap().trim().parse().unwrap()
}
