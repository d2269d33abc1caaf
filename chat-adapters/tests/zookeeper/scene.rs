//! Registries on a ZooKeeper that can be broken, and what is expected of them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chat_adapters::zookeeper::{ZooKeeperOptions, ZooKeeperRegistry};
use chat_core::ports::{Announcement, Peer, Registry};
use chat_core::types::NodeId;
use chat_test_services::{DEADLINE, TcpProxy, ZooKeeper};
use futures_util::future::{select_all, try_join_all};
use tokio::time::timeout;
use zookeeper_client::Client;

pub(crate) const FOLDER: &str = "/chat/backends";
/// The time-out of all sessions here.
pub(crate) const SESSION: Duration = Duration::from_secs(2);
/// The time-out of all calls here.
pub(crate) const CALL: Duration = Duration::from_millis(1_500);
/// What a machine under load may add.
pub(crate) const SLACK: Duration = Duration::from_millis(1_500);

/// Lists tests, which all need ZooKeeper.
macro_rules! trials {
    ($module:literal: { $($test:ident),+ $(,)? }) => {
        vec![$(chat_test_services::async_trial(
            concat!($module, "::", stringify!($test)),
            &[chat_test_services::Service::ZooKeeper],
            $test,
        )),+]
    };
}
pub(crate) use trials;

pub(crate) fn peer(name: &str, address: &str) -> Peer {
    Peer {
        node: NodeId::parse(name).unwrap(),
        address: address.to_owned(),
    }
}

pub(crate) fn options(address: SocketAddr) -> ZooKeeperOptions {
    ZooKeeperOptions {
        session_timeout: SESSION,
        call_timeout: CALL,
        ..ZooKeeperOptions::parse(&format!("zookeeper://{address}{FOLDER}")).unwrap()
    }
}

pub(crate) fn registry(address: SocketAddr) -> ZooKeeperRegistry {
    ZooKeeperRegistry::new(options(address))
}

/// A ZooKeeper, and a registry that reaches it through a connection that can break.
pub(crate) fn behind_proxy() -> (ZooKeeper, TcpProxy, ZooKeeperRegistry) {
    let zookeeper = ZooKeeper::start().unwrap();
    let proxy = TcpProxy::start(zookeeper.address()).unwrap();
    let registry = registry(proxy.address());
    (zookeeper, proxy, registry)
}

/// A client without anything of the registry around it.
pub(crate) async fn client(address: SocketAddr) -> Client {
    Client::connect(&address.to_string()).await.unwrap()
}

/// Announces, again until it works, as a backend does; answers what keeps it.
pub(crate) async fn announce(registry: &ZooKeeperRegistry, peer: &Peer) -> Box<dyn Announcement> {
    let begin = Instant::now();
    loop {
        match registry.announce(peer).await {
            Ok(announcement) => return announcement,
            Err(error) => assert!(begin.elapsed() < DEADLINE, "{}", chat_core::chain(&error)),
        }
    }
}

/// Waits until exactly these peers are known; answers how long that took.
pub(crate) async fn until(registry: &ZooKeeperRegistry, expected: &[Peer]) -> Duration {
    let begin = Instant::now();
    let mut known = vec![peer("nobody", "knows")];
    let all = timeout(DEADLINE, async {
        while known != expected {
            known = registry.changed(&known).await.unwrap();
        }
    });
    assert!(all.await.is_ok(), "still {known:?} and not {expected:?}");
    begin.elapsed()
}

/// Waits until all of them know the same peers, and none another for a while; answers those.
/// What a registry knows first may be from between two announcements.
pub(crate) async fn at_rest(registries: &[ZooKeeperRegistry]) -> Vec<Peer> {
    let begin = Instant::now();
    loop {
        let views = known_to(registries).await;
        let another = registries
            .iter()
            .map(|registry| Box::pin(registry.changed(&views[0])));
        if timeout(SLACK, select_all(another)).await.is_err() {
            return views[0].clone();
        }
        assert!(begin.elapsed() < DEADLINE, "still {views:?}");
    }
}

/// What each of them knows now, or as soon as it knows a peer.
async fn known_to(registries: &[ZooKeeperRegistry]) -> Vec<Vec<Peer>> {
    let views = registries.iter().map(|registry| registry.changed(&[]));
    try_join_all(views).await.unwrap()
}

/// Fails where another set of peers becomes known within the time.
pub(crate) async fn stays(registry: &ZooKeeperRegistry, expected: &[Peer], time: Duration) {
    let changed = timeout(time, registry.changed(expected)).await;
    assert!(changed.is_err(), "{changed:?} and not {expected:?}");
}

pub(crate) async fn until_away(registry: &ZooKeeperRegistry, is_away: bool) {
    let mut away = registry.away();
    let told = timeout(DEADLINE, away.wait_for(|away| *away == is_away)).await;
    assert!(told.is_ok(), "away is not {is_away} in time");
}
