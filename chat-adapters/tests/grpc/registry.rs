//! Backends that come and go in the registry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chat_adapters::grpc::{RemoteOptions, RemoteStore};
use chat_core::BackendError;
use chat_core::memory::StaticRegistry;
use chat_core::ports::{Announcement, Peer, Registry, UserStore};
use chat_core::types::NodeId;
use futures_util::FutureExt as _;

use crate::scene::{DEADLINE, eventually, peer, user};
use crate::scripted::{Answer, Health, Scripted};

async fn backend() -> Scripted {
    Scripted::start(|_| Answer::Message(Vec::new())).await
}

fn following(registry: &Arc<StaticRegistry>) -> RemoteStore {
    RemoteStore::new(Arc::clone(registry) as _, RemoteOptions::default()).unwrap()
}

/// Makes calls until one is answered by this backend.
async fn until_called(store: &RemoteStore, backend: &Scripted) {
    let before = backend.calls().len();
    let calling = async {
        while backend.calls().len() == before {
            store.users(&[user(1)]).await.unwrap();
        }
    };
    let called = tokio::time::timeout(DEADLINE, calling).await;
    assert!(called.is_ok(), "no call goes there");
}

#[tokio::test]
async fn backends_that_come_are_called_and_those_that_leave_finish_what_they_have() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = Arc::clone(&gate);
    let slow = Scripted::with(Health::Serving, move |_| {
        let opened = Arc::clone(&opened);
        Box::pin(async move {
            opened.notified().await;
            Answer::Message(Vec::new())
        })
    })
    .await;
    let registry = Arc::new(StaticRegistry::default());
    let announced = registry.announce(&peer(&slow.address())).await.unwrap();
    let store = following(&registry);
    store.ready(DEADLINE).await.unwrap();
    let asked = [user(1)];
    let mut under_way = Box::pin(store.users(&asked));
    eventually("the call arrives", || {
        assert!(under_way.as_mut().now_or_never().is_none());
        slow.calls().len() == 1
    })
    .await;
    let other = backend().await;
    let _announced = registry.announce(&peer(&other.address())).await.unwrap();
    eventually("it is connected", || other.watches() == 1).await;
    announced.withdraw().await.unwrap();
    until_called(&store, &other).await;
    for _ in 0..50 {
        store.users(&asked).await.unwrap();
    }
    assert_eq!(slow.calls().len(), 1, "no further call goes there");
    gate.notify_waiters();
    assert!(under_way.await.is_ok(), "the call under way was not given up");
    assert_eq!(slow.calls().len(), 1, "nor made again");
}

#[tokio::test]
async fn an_empty_set_is_not_believed() {
    let (one, two) = (backend().await, backend().await);
    let registry = Arc::new(StaticRegistry::default());
    let announced = registry.announce(&peer(&one.address())).await.unwrap();
    let store = following(&registry);
    store.ready(DEADLINE).await.unwrap();
    announced.withdraw().await.unwrap();
    for _ in 0..50 {
        store.users(&[user(1)]).await.unwrap();
    }
    let _announced = registry.announce(&peer(&two.address())).await.unwrap();
    until_called(&store, &two).await;
    let before = one.calls().len();
    for _ in 0..50 {
        store.users(&[user(1)]).await.unwrap();
    }
    assert_eq!(one.calls().len(), before, "the next set counts");
}

#[tokio::test]
async fn a_backend_that_is_announced_at_another_address_is_called_there() {
    let (one, two) = (backend().await, backend().await);
    let registry = Arc::new(StaticRegistry::default());
    let at = |backend: &Scripted| Peer {
        node: NodeId::parse("store-1").unwrap(),
        address: backend.address(),
    };
    let _first = registry.announce(&at(&one)).await.unwrap();
    let store = following(&registry);
    until_called(&store, &one).await;
    let _second = registry.announce(&at(&two)).await.unwrap();
    until_called(&store, &two).await;
}

/// Fails some times before it answers.
#[derive(Debug)]
struct Failing {
    failures: AtomicUsize,
    inner: StaticRegistry,
}

#[async_trait]
impl Registry for Failing {
    async fn announce(&self, peer: &Peer) -> Result<Box<dyn Announcement>, BackendError> {
        self.inner.announce(peer).await
    }

    async fn changed(&self, known: &[Peer]) -> Result<Vec<Peer>, BackendError> {
        let left = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(BackendError::not_done("on command")),
            Err(_) => self.inner.changed(known).await,
        }
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_asked_again() {
    let one = backend().await;
    let registry = Failing {
        failures: AtomicUsize::new(3),
        inner: StaticRegistry::new([peer(&one.address())]),
    };
    let store = RemoteStore::new(Arc::new(registry), RemoteOptions::default()).unwrap();
    store.ready(DEADLINE).await.unwrap();
    until_called(&store, &one).await;
}

#[tokio::test]
async fn an_address_that_is_none_harms_nobody() {
    let one = backend().await;
    let mut nowhere = peer("nowhere:1");
    nowhere.address = "not an address".to_owned();
    let registry = Arc::new(StaticRegistry::new([nowhere, peer(&one.address())]));
    let store = following(&registry);
    store.ready(DEADLINE).await.unwrap();
    until_called(&store, &one).await;
}
