//! Connections that are cut or stall while ZooKeeper is well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chat_core::ports::Registry as _;
use futures_util::FutureExt;
use libtest_mimic::Trial;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::scene::{
    SESSION, SLACK, announce, behind_proxy, peer, registry, stays, trials, until, until_away,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "connections": {
            a_peer_whose_process_is_gone_goes_within_its_session,
            a_session_that_has_expired_is_made_again_and_announces_again,
            a_session_that_expires_behind_a_stalled_connection_is_made_again,
            what_changes_while_the_connection_is_cut_is_seen,
            what_changes_after_a_reconnect_is_seen,
            an_announcement_that_nobody_waits_for_is_taken_back,
            a_server_that_closes_each_connection_is_not_asked_in_a_busy_loop,
        }
    }
}

async fn a_peer_whose_process_is_gone_goes_within_its_session() {
    let (zookeeper, proxy, backend) = behind_proxy();
    let node = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    until(&node, &[one]).await;
    proxy.cut().unwrap();
    let gone = until(&node, &[]).await;
    println!("the peer went after {gone:?}");
    assert!(gone < SESSION + SLACK, "the peer went after {gone:?}");
}

async fn a_session_that_has_expired_is_made_again_and_announces_again() {
    let (zookeeper, proxy, backend) = behind_proxy();
    let node = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    for _ in 0..2 {
        until(&node, std::slice::from_ref(&one)).await;
        proxy.cut().unwrap();
        until(&node, &[]).await;
        proxy.resume().unwrap();
    }
    until(&node, std::slice::from_ref(&one)).await;
    until(&backend, std::slice::from_ref(&one)).await;
    stays(&node, &[one], SESSION + SLACK).await;
}

async fn a_session_that_expires_behind_a_stalled_connection_is_made_again() {
    let (zookeeper, proxy, backend) = behind_proxy();
    let node = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    proxy.stall().unwrap();
    until(&node, &[]).await;
    until_away(&backend, true).await;
    proxy.resume().unwrap();
    until(&node, std::slice::from_ref(&one)).await;
    stays(&node, &[one], SESSION + SLACK).await;
}

async fn what_changes_while_the_connection_is_cut_is_seen() {
    let (zookeeper, proxy, node) = behind_proxy();
    let backend = registry(zookeeper.address());
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let first = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    proxy.cut().unwrap();
    until_away(&node, true).await;
    first.withdraw().await.unwrap();
    let _two = announce(&backend, &two).await;
    assert_eq!(
        node.changed(std::slice::from_ref(&one)).now_or_never().map(drop),
        None
    );
    proxy.resume().unwrap();
    until(&node, &[two]).await;
}

async fn what_changes_after_a_reconnect_is_seen() {
    let (zookeeper, proxy, node) = behind_proxy();
    let backend = registry(zookeeper.address());
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let first = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    for _ in 0..3 {
        proxy.cut().unwrap();
        until_away(&node, true).await;
        proxy.resume().unwrap();
        until_away(&node, false).await;
        let second = announce(&backend, &two).await;
        let seen = until(&node, &[one.clone(), two.clone()]).await;
        assert!(seen < SLACK, "seen after {seen:?}");
        second.withdraw().await.unwrap();
        until(&node, std::slice::from_ref(&one)).await;
    }
    first.withdraw().await.unwrap();
    until(&node, &[]).await;
}

async fn an_announcement_that_nobody_waits_for_is_taken_back() {
    let (zookeeper, proxy, backend) = behind_proxy();
    let node = registry(zookeeper.address());
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    until_away(&backend, false).await;
    // It waits in the connection, and ZooKeeper gets it after it was given up.
    proxy.stall().unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(100), backend.announce(&one)).await;
    assert!(given_up.is_err(), "{given_up:?}");
    proxy.resume().unwrap();
    let _two = announce(&backend, &two).await;
    until(&node, std::slice::from_ref(&two)).await;
    stays(&node, &[two], SLACK).await;
}

/// A server that takes connections and closes them; how many there were.
async fn closing_server() -> (SocketAddr, Arc<AtomicU64>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let (mut server, counter) = (JoinSet::new(), Arc::clone(&taken));
    server.spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, taken, server)
}

async fn a_server_that_closes_each_connection_is_not_asked_in_a_busy_loop() {
    let (address, taken, _server) = closing_server().await;
    let registry = registry(address);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        assert!(registry.announce(&peer("b-1", "a:1")).await.is_err());
        sleep(Duration::from_millis(10)).await;
    }
    registry.close().await;
    let taken = taken.load(Ordering::Relaxed);
    println!("{taken} connections in 4 s");
    // After 50, 100, 200 and 400 ms and then every half second at the soonest, and once more at the end.
    assert!((3..=14).contains(&taken), "{taken} connections in 4 s");
}
