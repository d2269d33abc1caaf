//! What the registry says of itself.

use chat_test_services::ZooKeeper;
use libtest_mimic::Trial;
use zookeeper_client::{Acls, CreateMode};

use crate::lines_of_log::lines_with;
use crate::scene::{FOLDER, announce, client, peer, registry, trials, until, until_away};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "lines": {
            zookeeper_going_and_coming_is_one_line_each,
            entries_that_are_passed_over_are_one_line,
        }
    }
}

async fn zookeeper_going_and_coming_is_one_line_each() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let server = zookeeper.connect_string();
    let backend = registry(zookeeper.address());
    until_away(&backend, false).await;
    for times in 1..=2 {
        zookeeper.kill().unwrap();
        until_away(&backend, true).await;
        // It is asked again and again, and fails.
        backend_tries(&backend).await;
        zookeeper.restart().unwrap();
        until_away(&backend, false).await;
        let _one = announce(&backend, &peer("b-1", "a:1")).await;
        let target = "chat_adapters::zookeeper";
        assert_eq!(lines_with(&[" WARN ", target, "is away", &server]).len(), times);
        assert_eq!(lines_with(&[" INFO ", target, "is back", &server]).len(), times);
        assert_eq!(lines_with(&[" WARN ", target, &server]).len(), times);
    }
    let others = lines_with(&[" ERROR ", &server]);
    assert!(others.is_empty(), "{others:?}");
}

async fn backend_tries(backend: &chat_adapters::zookeeper::ZooKeeperRegistry) {
    use chat_core::ports::Registry as _;
    backend.announce(&peer("b-2", "a:2")).await.unwrap_err();
}

async fn entries_that_are_passed_over_are_one_line() {
    let zookeeper = ZooKeeper::start().unwrap();
    let folder = client(zookeeper.address()).await;
    let open = CreateMode::Persistent.with_acls(Acls::anyone_all());
    folder.mkdir(FOLDER, &open).await.unwrap();
    folder
        .create(&format!("{FOLDER}/rubbish"), b"?", &open)
        .await
        .unwrap();
    let backend = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    for _ in 0..3 {
        let announced = announce(&backend, &one).await;
        until(&backend, std::slice::from_ref(&one)).await;
        announced.withdraw().await.unwrap();
    }
    let server = zookeeper.connect_string();
    let told = lines_with(&[" WARN ", "passed over", &server]);
    assert_eq!(told.len(), 1, "{told:?}");
}
