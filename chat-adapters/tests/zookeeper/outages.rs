//! A ZooKeeper that is killed, started again, or stands still.

use std::time::{Duration, Instant};

use chat_core::BackendErrorKind;
use chat_core::ports::Registry as _;
use chat_test_services::{DEADLINE, ZooKeeper};
use libtest_mimic::Trial;
use tokio::time::sleep;

use crate::scene::{
    CALL, SESSION, SLACK, announce, client, peer, registry, stays, trials, until, until_away,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "outages": {
            while_zookeeper_is_away_the_last_known_peers_stay_and_then_all_works_again,
            an_outage_longer_than_the_session_heals_by_itself,
            an_announcement_that_somebody_deletes_is_written_again,
            a_zookeeper_that_stands_still_is_found_and_heals,
            a_registry_starts_while_zookeeper_is_away,
            what_cannot_be_announced_fails_in_time_and_does_not_come_later,
            a_failed_announcement_leaves_the_former_one_of_its_name,
            what_is_withdrawn_while_zookeeper_is_away_goes_when_it_is_back,
        }
    }
}

async fn while_zookeeper_is_away_the_last_known_peers_stay_and_then_all_works_again() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let (backend, node) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let _one = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    zookeeper.kill().unwrap();
    until_away(&node, true).await;
    stays(&node, std::slice::from_ref(&one), SESSION / 4).await;
    zookeeper.restart().unwrap();
    for registry in [&node, &backend] {
        until_away(registry, false).await;
    }
    // The watch and the session work as before.
    let fresh = registry(zookeeper.address());
    let _two = announce(&fresh, &two).await;
    for registry in [&node, &fresh] {
        until(registry, &[one.clone(), two.clone()]).await;
    }
    stays(&node, &[one, two], SESSION + SLACK).await;
}

async fn an_outage_longer_than_the_session_heals_by_itself() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let (backend, node) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let _one = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    zookeeper.kill().unwrap();
    // The client gives the session up after 7/5 of its time-out.
    stays(&node, std::slice::from_ref(&one), SESSION * 2).await;
    zookeeper.restart().unwrap();
    for registry in [&node, &backend] {
        until_away(registry, false).await;
    }
    // The session of before ends now, and must not take the announcement with it.
    let fresh = registry(zookeeper.address());
    until(&fresh, std::slice::from_ref(&one)).await;
    stays(&fresh, std::slice::from_ref(&one), SESSION + SLACK).await;
    let _two = announce(&fresh, &two).await;
    until(&node, &[one, two]).await;
}

async fn an_announcement_that_somebody_deletes_is_written_again() {
    let zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    let folder = client(zookeeper.address()).await;
    let before = folder.check_stat("/chat/backends/b-1").await.unwrap().unwrap();
    folder.delete("/chat/backends/b-1", None).await.unwrap();
    let begin = Instant::now();
    loop {
        let now = folder.check_stat("/chat/backends/b-1").await.unwrap();
        if now.is_some_and(|now| now.czxid > before.czxid) {
            break;
        }
        assert!(begin.elapsed() < DEADLINE, "it is not written again");
        sleep(Duration::from_millis(5)).await;
    }
    until(&backend, &[one]).await;
}

async fn a_zookeeper_that_stands_still_is_found_and_heals() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let (backend, node) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let _one = announce(&backend, &one).await;
    until(&node, std::slice::from_ref(&one)).await;
    zookeeper.freeze().unwrap();
    let begin = Instant::now();
    until_away(&node, true).await;
    let found = begin.elapsed();
    assert!(found < SESSION + SLACK, "found after {found:?}");
    stays(&node, std::slice::from_ref(&one), SESSION * 2).await;
    zookeeper.thaw();
    for registry in [&node, &backend] {
        until_away(registry, false).await;
    }
    let _two = announce(&registry(zookeeper.address()), &two).await;
    until(&node, &[one.clone(), two.clone()]).await;
    stays(&node, &[one, two], SESSION + SLACK).await;
}

async fn a_registry_starts_while_zookeeper_is_away() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    zookeeper.kill().unwrap();
    let backend = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    // What nobody has listed is not known to be empty.
    stays(&backend, std::slice::from_ref(&one), SESSION / 4).await;
    zookeeper.restart().unwrap();
    let _one = announce(&backend, &one).await;
    until(&backend, &[one]).await;
}

async fn what_cannot_be_announced_fails_in_time_and_does_not_come_later() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    until_away(&backend, false).await;
    zookeeper.kill().unwrap();
    until_away(&backend, true).await;
    let begin = Instant::now();
    let error = backend.announce(&peer("b-1", "a:1")).await.unwrap_err();
    assert!(begin.elapsed() < CALL + SLACK, "{:?}", begin.elapsed());
    assert_eq!(error.kind(), BackendErrorKind::NotDone, "{error}");
    zookeeper.restart().unwrap();
    until_away(&backend, false).await;
    until(&backend, &[]).await;
    stays(&backend, &[], SLACK).await;
}

async fn a_failed_announcement_leaves_the_former_one_of_its_name() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let former = peer("b-1", "a:1");
    let _former = announce(&backend, &former).await;
    zookeeper.kill().unwrap();
    until_away(&backend, true).await;
    backend.announce(&peer("b-1", "a:2")).await.unwrap_err();
    zookeeper.restart().unwrap();
    until_away(&backend, false).await;
    until(&registry(zookeeper.address()), std::slice::from_ref(&former)).await;
    stays(&backend, &[former], SLACK).await;
}

async fn what_is_withdrawn_while_zookeeper_is_away_goes_when_it_is_back() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let (one, two) = (peer("b-1", "a:1"), peer("b-2", "a:2"));
    let (withdrawn, dropped) = (announce(&backend, &one).await, announce(&backend, &two).await);
    zookeeper.kill().unwrap();
    until_away(&backend, true).await;
    drop(dropped);
    let begin = Instant::now();
    let error = withdrawn.withdraw().await.unwrap_err();
    assert!(begin.elapsed() < CALL + SLACK, "{:?}", begin.elapsed());
    assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error}");
    zookeeper.restart().unwrap();
    until(&backend, &[]).await;
    withdrawn.withdraw().await.unwrap();
    sleep(SESSION).await;
    until(&registry(zookeeper.address()), &[]).await;
}
