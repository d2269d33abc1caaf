//! Names that are announced twice, and entries that are no announcements.

use chat_test_services::ZooKeeper;
use futures_util::future::join_all;
use libtest_mimic::Trial;
use zookeeper_client::{Acls, CreateMode};

use crate::scene::{
    FOLDER, SESSION, SLACK, announce, at_rest, behind_proxy, client, peer, registry, stays, trials, until,
    until_away,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "names": {
            a_backend_that_comes_back_stays_when_its_old_session_ends,
            what_was_replaced_by_another_process_withdraws_nothing,
            the_earlier_of_two_processes_comes_back_when_the_later_goes,
            a_new_session_does_not_take_a_name_from_another_process,
            two_processes_that_announce_one_name_at_once_come_to_rest,
            names_that_zookeeper_does_not_take_are_announced_all_the_same,
            what_is_no_announcement_is_passed_over,
            entries_beyond_the_limit_are_passed_over,
        }
    }
}

async fn a_backend_that_comes_back_stays_when_its_old_session_ends() {
    let (zookeeper, proxy, killed) = behind_proxy();
    let (node, back) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let (before, after) = (peer("b-1", "a:1"), peer("b-1", "a:2"));
    let _before = announce(&killed, &before).await;
    until(&node, &[before]).await;
    until_away(&back, false).await;
    proxy.cut().unwrap();
    let _after = announce(&back, &after).await;
    let replaced = until(&node, std::slice::from_ref(&after)).await;
    assert!(
        replaced < SESSION / 2,
        "replaced after {replaced:?}, with the old session"
    );
    stays(&node, &[after], SESSION + SLACK).await;
}

async fn what_was_replaced_by_another_process_withdraws_nothing() {
    let zookeeper = ZooKeeper::start().unwrap();
    let (first, second) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let (before, after) = (peer("b-1", "a:1"), peer("b-1", "a:2"));
    let replaced = announce(&first, &before).await;
    let _after = announce(&second, &after).await;
    until(&first, std::slice::from_ref(&after)).await;
    replaced.withdraw().await.unwrap();
    drop(replaced);
    first.close().await;
    stays(&second, &[after], SLACK).await;
}

async fn the_earlier_of_two_processes_comes_back_when_the_later_goes() {
    let zookeeper = ZooKeeper::start().unwrap();
    let (first, second) = (registry(zookeeper.address()), registry(zookeeper.address()));
    let (before, after) = (peer("b-1", "a:1"), peer("b-1", "a:2"));
    let _before = announce(&first, &before).await;
    let later = announce(&second, &after).await;
    for registry in [&first, &second] {
        until(registry, std::slice::from_ref(&after)).await;
    }
    stays(&first, &[after], SLACK).await;
    later.withdraw().await.unwrap();
    until(&second, &[before]).await;
}

async fn a_new_session_does_not_take_a_name_from_another_process() {
    let (zookeeper, proxy, first) = behind_proxy();
    let second = registry(zookeeper.address());
    let (before, after) = (peer("b-1", "a:1"), peer("b-1", "a:2"));
    let _before = announce(&first, &before).await;
    let _after = announce(&second, &after).await;
    until(&first, std::slice::from_ref(&after)).await;
    proxy.cut().unwrap();
    stays(&second, std::slice::from_ref(&after), SESSION * 2).await;
    proxy.resume().unwrap();
    until_away(&first, false).await;
    stays(&second, &[after], SLACK).await;
}

async fn two_processes_that_announce_one_name_at_once_come_to_rest() {
    let zookeeper = ZooKeeper::start().unwrap();
    let registries: Vec<_> = (0..8).map(|_| registry(zookeeper.address())).collect();
    let peers: Vec<_> = (0..8).map(|number| peer("b-1", &format!("a:{number}"))).collect();
    let announced = registries
        .iter()
        .zip(&peers)
        .map(|(registry, peer)| announce(registry, peer));
    let _announced = join_all(announced).await;
    let known = at_rest(&registries).await;
    assert_eq!(known.len(), 1, "{known:?}");
}

async fn names_that_zookeeper_does_not_take_are_announced_all_the_same() {
    let zookeeper = ZooKeeper::start().unwrap();
    let registry = registry(zookeeper.address());
    let peers = [".", "..", "...", "a:b", "zookeeper"].map(|name| peer(name, "a:1"));
    let announcements = join_all(peers.iter().map(|peer| announce(&registry, peer))).await;
    until(&registry, &peers).await;
    for announcement in announcements {
        announcement.withdraw().await.unwrap();
    }
    until(&registry, &[]).await;
}

async fn what_is_no_announcement_is_passed_over() {
    let zookeeper = ZooKeeper::start().unwrap();
    let registry = registry(zookeeper.address());
    let folder = client(zookeeper.address()).await;
    let open = CreateMode::Persistent.with_acls(Acls::anyone_all());
    folder.mkdir(FOLDER, &open).await.unwrap();
    let entries: [(&str, &[u8]); 4] = [
        ("b-0", b"\xff"),
        ("b-1", br#"{"node":"b-2","address":"a:1"}"#),
        (
            "later",
            br#"{"node":"later","address":"a:7","zone":{"name":"north"}}"#,
        ),
        ("of a kind that is not even a name", b""),
    ];
    for (name, data) in entries {
        folder
            .create(&format!("{FOLDER}/{name}"), data, &open)
            .await
            .unwrap();
    }
    let later = peer("later", "a:7");
    until(&registry, std::slice::from_ref(&later)).await;
    // An announcement takes the place of rubbish under its name.
    let one = peer("b-1", "a:1");
    let _one = announce(&registry, &one).await;
    until(&registry, &[one, later]).await;
}

async fn entries_beyond_the_limit_are_passed_over() {
    const ENTRIES: usize = 1_010;
    const LIMIT: usize = 1_000;
    let zookeeper = ZooKeeper::start().unwrap();
    let folder = client(zookeeper.address()).await;
    let open = CreateMode::Persistent.with_acls(Acls::anyone_all());
    folder.mkdir(FOLDER, &open).await.unwrap();
    let peers: Vec<_> = (0..ENTRIES)
        .map(|number| peer(&format!("b-{number:05}"), "a:1"))
        .collect();
    let created = peers.iter().map(|peer| {
        let json = serde_json::to_vec(peer).unwrap();
        let (folder, open, path) = (&folder, &open, format!("{FOLDER}/{}", peer.node));
        async move { folder.create(&path, &json, open).await.map(drop) }
    });
    for created in join_all(created).await {
        created.unwrap();
    }
    until(&registry(zookeeper.address()), &peers[..LIMIT]).await;
}
