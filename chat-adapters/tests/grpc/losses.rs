//! Backends that die, stall, go and come back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_adapters::grpc::{Keepalive, RemoteOptions};
use chat_core::BackendErrorKind::{NotDone, Unknown};
use chat_core::ports::{FriendStore, UserStore};
use chat_test_services::TcpProxy;
use futures_util::FutureExt as _;

use crate::scene::{DEADLINE, eventually, kind, new_user, ready, store, user, within};
use crate::scripted::{Answer, Health, Scripted, first_answers, not_done};

fn answering(_: &crate::scripted::Call) -> Answer {
    Answer::Message(Vec::new())
}

/// A proxy before a backend.
fn before(backend: &Scripted) -> TcpProxy {
    TcpProxy::start(backend.address().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_on_a_connection_that_breaks_is_answered_by_another_backend_at_once() {
    let (one, two) = first_answers(Answer::Silence).await;
    let store = ready(&[one.address(), two.address()]).await;
    eventually("both are connected", || one.watches() == 1 && two.watches() == 1).await;
    let asked = [user(1)];
    let mut read = Box::pin(store.users(&asked));
    eventually("the call arrives", || {
        assert!(read.as_mut().now_or_never().is_none());
        one.calls().len() + two.calls().len() == 1
    })
    .await;
    let (asked, other) = if one.calls().is_empty() {
        (two, one)
    } else {
        (one, two)
    };
    let begun = Instant::now();
    asked.die();
    assert!(read.await.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(other.calls().len(), 1);
}

#[tokio::test]
async fn nothing_waits_longer_than_the_deadline() {
    let silent = Scripted::start(|_| Answer::Silence).await;
    let store = store(&[silent.address()], within(400));
    store.ready(DEADLINE).await.unwrap();
    for class in 0..3 {
        let begun = Instant::now();
        let failure = match class {
            0 => kind(store.users(&[user(1)]).await),
            1 => kind(store.remove_friend(user(1), user(2)).await),
            _ => kind(store.create_user(&new_user("alice")).await),
        };
        assert_eq!(failure, if class == 0 { NotDone } else { Unknown });
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(400) && took < Duration::from_millis(900),
            "{took:?}"
        );
    }
    assert_eq!(silent.calls().len(), 3, "there is no time for a second attempt");
}

#[tokio::test]
async fn a_call_without_any_backend_waits_for_its_deadline_and_was_not_done() {
    let store = store(&["127.0.0.1:1".to_owned()], within(300));
    let begun = Instant::now();
    assert_eq!(kind(store.create_user(&new_user("alice")).await), NotDone);
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_millis(800),
        "{took:?}"
    );
    assert_eq!(kind(store.ready(Duration::from_millis(10)).await), NotDone);
}

#[tokio::test]
async fn a_stalled_backend_is_found_by_keepalive_and_its_calls_are_answered_by_another() {
    let (one, two) = first_answers(Answer::Silence).await;
    let proxies = [&one, &two].map(before);
    let options = RemoteOptions {
        keepalive: Keepalive {
            interval: Duration::from_millis(100),
            timeout: Duration::from_millis(200),
        },
        ..RemoteOptions::default()
    };
    let addresses = proxies.each_ref().map(|proxy| proxy.address().to_string());
    let store = store(&addresses, options);
    eventually("both are connected", || one.watches() == 1 && two.watches() == 1).await;
    let asked = [user(1)];
    let mut read = Box::pin(store.users(&asked));
    eventually("the call arrives", || {
        assert!(read.as_mut().now_or_never().is_none());
        one.calls().len() + two.calls().len() == 1
    })
    .await;
    let stalled = usize::from(one.calls().is_empty());
    proxies[stalled].stall().unwrap();
    let begun = Instant::now();
    assert!(read.await.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let answered = [one.calls().len(), two.calls().len()];
    assert_eq!(answered, [1, 1]);
    proxies[stalled].resume().unwrap();
    eventually("it is connected again", || one.watches() + two.watches() == 3).await;
}

#[tokio::test]
async fn all_backends_go_away_and_come_back() {
    let (one, two) = (Scripted::start(answering).await, Scripted::start(answering).await);
    let proxies = [&one, &two].map(before);
    let addresses: Vec<_> = proxies.iter().map(|proxy| proxy.address().to_string()).collect();
    let store = store(&addresses, within(300));
    store.ready(DEADLINE).await.unwrap();
    assert!(store.users(&[user(1)]).await.is_ok());
    proxies.iter().for_each(|proxy| proxy.cut().unwrap());
    assert_eq!(kind(store.users(&[user(1)]).await), NotDone);
    proxies.iter().for_each(|proxy| proxy.resume().unwrap());
    store.ready(DEADLINE).await.unwrap();
    assert!(store.users(&[user(1)]).await.is_ok());
}

#[tokio::test]
async fn a_backend_that_is_not_serving_gets_calls_only_where_none_is() {
    let unwell = Scripted::with(Health::NotServing, |_| {
        Box::pin(async { Answer::Message(Vec::new()) })
    })
    .await;
    let alone = store(&[unwell.address()], within(1_000));
    assert!(alone.users(&[user(1)]).await.is_ok());
    assert_eq!(kind(alone.ready(Duration::from_millis(10)).await), NotDone);
    let well = Scripted::start(answering).await;
    let both = ready(&[unwell.address(), well.address()]).await;
    for _ in 0..50 {
        both.users(&[user(1)]).await.unwrap();
    }
    assert_eq!((unwell.calls().len(), well.calls().len()), (1, 50));
}

#[tokio::test]
async fn a_backend_without_a_health_service_counts_as_serving_and_its_end_is_found() {
    let plain = Scripted::with(Health::Missing, |_| {
        Box::pin(async { Answer::Message(Vec::new()) })
    })
    .await;
    let options = RemoteOptions {
        keepalive: Keepalive {
            interval: Duration::from_millis(50),
            timeout: Duration::from_millis(200),
        },
        ..within(300)
    };
    let store = store(&[plain.address()], options);
    store.ready(DEADLINE).await.unwrap();
    assert!(store.users(&[user(1)]).await.is_ok());
    plain.die();
    let looking = async {
        while store.ready(Duration::ZERO).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, looking).await.is_ok());
}

#[tokio::test]
async fn a_dropped_call_is_taken_back_and_the_others_go_on() {
    let released = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::clone(&released);
    let backend = Scripted::with(Health::Serving, move |_| {
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            gate.notified().await;
            Answer::Message(Vec::new())
        })
    })
    .await;
    let store = ready(&[backend.address()]).await;
    let mut dropped = Box::pin(store.users(&[]));
    eventually("the call arrives", || {
        assert!(dropped.as_mut().now_or_never().is_none());
        backend.calls().len() == 1
    })
    .await;
    drop(dropped);
    let mut kept = Box::pin(store.users(&[]));
    eventually("the other call arrives", || {
        assert!(kept.as_mut().now_or_never().is_none());
        backend.calls().len() == 2
    })
    .await;
    released.notify_waiters();
    assert!(kept.await.is_ok());
}

#[tokio::test]
async fn a_closed_store_fails_at_once() {
    let backend = Scripted::start(|_| not_done()).await;
    let store = ready(&[backend.address()]).await;
    store.close().await;
    assert_eq!(kind(store.users(&[user(1)]).await), NotDone);
    assert!(backend.calls().is_empty());
}
