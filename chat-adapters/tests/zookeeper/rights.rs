//! Users, and what they may do.

use std::time::{Duration, Instant};

use chat_adapters::zookeeper::{Digest, ZooKeeperOptions, ZooKeeperRegistry};
use chat_core::ports::Registry as _;
use chat_core::{BackendErrorKind, chain};
use chat_test_services::ZooKeeper;
use libtest_mimic::Trial;
use zookeeper_client::{Acls, Client, CreateMode};

use crate::lines_of_log::lines_with;
use crate::scene::{CALL, FOLDER, announce, options, peer, registry, stays, trials, until, until_away};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "rights": {
            only_the_user_who_announces_may_replace_or_withdraw,
            a_folder_that_nobody_may_read_is_not_asked_in_a_busy_loop,
        }
    }
}

fn registry_of(zookeeper: &ZooKeeper, password: &str) -> ZooKeeperRegistry {
    ZooKeeperRegistry::new(ZooKeeperOptions {
        digest: Some(Digest {
            user: "chat".to_owned(),
            password: password.to_owned(),
        }),
        ..options(zookeeper.address())
    })
}

async fn only_the_user_who_announces_may_replace_or_withdraw() {
    let zookeeper = ZooKeeper::start().unwrap();
    let (right, wrong) = (
        registry_of(&zookeeper, "r1ght-m4rk3d"),
        registry_of(&zookeeper, "wr0ng-m4rk3d"),
    );
    let nobody = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let announced = announce(&right, &one).await;
    for other in [&wrong, &nobody] {
        until(other, std::slice::from_ref(&one)).await;
        for name in ["b-1", "b-2"] {
            let begin = Instant::now();
            let error = other.announce(&peer(name, "evil:1")).await.unwrap_err();
            assert!(begin.elapsed() < CALL, "{:?}", begin.elapsed());
            assert_eq!(error.kind(), BackendErrorKind::NotDone);
            let printed = format!("{} {error:?} {other:?}", chain(&error));
            assert!(printed.contains("check the user"), "{printed}");
            assert!(!printed.contains("m4rk3d"), "{printed}");
        }
    }
    let raw = Client::connect(&zookeeper.connect_string()).await.unwrap();
    assert!(raw.delete(&format!("{FOLDER}/b-1"), None).await.is_err());
    stays(&right, &[one], Duration::from_millis(100)).await;
    // A password of one letter less is no other one's.
    let again = registry_of(&zookeeper, "r1ght-m4rk3d");
    let two = peer("b-1", "a:2");
    let _two = announce(&again, &two).await;
    until(&nobody, &[two]).await;
    announced.withdraw().await.unwrap();
    assert!(lines_with(&["m4rk3d"]).is_empty());
}

async fn a_folder_that_nobody_may_read_is_not_asked_in_a_busy_loop() {
    const CLOSED: &str = "/chat/closed-to-all";
    let zookeeper = ZooKeeper::start().unwrap();
    let owner = Client::connector().with_auth("digest", b"owner:secret");
    let owner = owner.connect(&zookeeper.connect_string()).await.unwrap();
    let open = CreateMode::Persistent.with_acls(Acls::anyone_all());
    owner.mkdir("/chat", &open).await.unwrap();
    let closed = CreateMode::Persistent.with_acls(Acls::creator_all());
    owner.mkdir(CLOSED, &closed).await.unwrap();
    let registry = ZooKeeperRegistry::new(ZooKeeperOptions {
        path: CLOSED.to_owned(),
        ..options(zookeeper.address())
    });
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        assert!(registry.announce(&peer("b-1", "a:1")).await.is_err());
    }
    assert!(*registry.away().borrow());
    // Its client traces each request.
    let asked = lines_with(&["sending request", "GetChildren", CLOSED]).len();
    println!("asked {asked} times in 4 s");
    // By itself after 50, 100, 200 and 400 ms and then every half second at the soonest, and when an announcement
    // comes and goes, which it does three times.
    assert!((3..=22).contains(&asked), "asked {asked} times in 4 s");
    let server = zookeeper.connect_string();
    let told = lines_with(&[" WARN chat_adapters::zookeeper", "is away", &server]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("not authorized"), "{told:?}");
    owner.set_acl(CLOSED, &Acls::anyone_all(), None).await.unwrap();
    until_away(&registry, false).await;
    let _one = announce(&registry, &peer("b-1", "a:1")).await;
}
