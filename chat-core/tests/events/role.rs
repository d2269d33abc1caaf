//! A node that is a backend of others: it watches its store, tells how it is doing, and does nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{Login, OutgoingMessage, Recipient};
use chat_core::types::UserId;
use chat_core::{Chat, ErrorCode, GoodbyeCode, Limits, NodeRole, NotReady, SessionOptions};
use serde_json::{Map, json};
use tokio::time::sleep;

use crate::stage::{Stage, name, password, time_until, user};

/// Longer than the time between any two things that a node does by itself.
const A_WHILE: Duration = Duration::from_secs(20 * 60);

fn backend(stage: &Stage) -> Chat {
    stage.builder().role(NodeRole::Backend).start()
}

#[tokio::test(start_paused = true)]
async fn a_backend_leaves_the_users_of_other_nodes_online() {
    let stage = Stage::default();
    let node = stage.chat();
    let alice = user(&node, "alice").await;
    let _session = node.session(alice.id, SessionOptions::default()).await.unwrap();
    let users = stage.shared.backends().stores.users;
    let online = async || users.online_states(None, 10).await.unwrap();
    while online().await.is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    // Of all that the two share only the store: as in another process, its presence knows nobody.
    let mut backends = Stage::default().backends();
    backends.stores = stage.backends().stores;
    let backend = Chat::builder(backends).role(NodeRole::Backend).start();
    sleep(A_WHILE).await;
    assert_eq!(online().await, [alice.id]);
    backend.shutdown().await;
    assert_eq!(online().await, [alice.id]);
}

#[tokio::test(start_paused = true)]
async fn a_backend_asks_its_store_only_whether_it_is_there_and_nobody_else_anything() {
    let stage = Stage::default();
    let chat = backend(&stage);
    chat.host().expel(UserId::new(1).unwrap(), None);
    sleep(A_WHILE).await;
    chat.shutdown().await;
    assert!(stage.store.calls("users") > 1_000);
    assert_eq!(stage.store.calls(Faults::ANY), stage.store.calls("users"));
    assert_eq!(
        (stage.bus.calls(Faults::ANY), stage.presence.calls(Faults::ANY)),
        (0, 0)
    );
    assert!(stage.fields_of("limit_hit").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_backend_admits_nobody_and_opens_no_session() {
    let stage = Stage::default();
    let node = stage.chat();
    let alice = node.register(name("alice"), &password()).await.unwrap();
    let options = SessionOptions::default;
    let chat = backend(&stage);

    let goodbye = chat.accept(None).unwrap_err();
    assert_eq!(goodbye.code, GoodbyeCode::ServerDraining);
    assert!(goodbye.retry_after_ms.is_some());
    let login = Login::password(alice.name, password());
    let refusals = [
        chat.accept_as(alice.id, options(), None).await.err(),
        chat.session(alice.id, options()).await.err(),
        chat.login(login).await.err(),
        chat.register(name("bob"), &password()).await.err(),
        chat.ensure_user(name("bob")).await.err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        assert_eq!(
            refusal.map(|error| error.code()),
            Some(ErrorCode::Unavailable),
            "{call}"
        );
    }
    assert_eq!((chat.connection_count(), chat.session_count()), (0, 0));

    // A node for clients on the same store does all of it.
    let session = node.session(alice.id, options()).await.unwrap();
    let note = OutgoingMessage::text(Recipient::User(alice.id), "note").unwrap();
    session.send(note).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_backend_tells_of_itself_as_any_node_does() {
    let stage = Stage::default();
    let chat = backend(&stage);
    assert_eq!(stage.only("node_started")["role"], "backend");
    let fields = Map::from_iter([("address".to_owned(), json!("127.0.0.1:6100"))]);
    chat.record(chat_core::ports::Level::Info, "node_ready", fields);

    stage.store.away(Faults::ANY, Fault::FailBefore);
    let gone = time_until(|| !chat.readiness().is_ready()).await;
    assert_eq!(chat.readiness().reasons, [NotReady::StoreAway]);
    stage.store.clear();
    let back = time_until(|| chat.readiness().is_ready()).await;
    assert!(gone.max(back) < Duration::from_secs(2), "{gone:?} {back:?}");
    sleep(Limits::default().status_interval).await;

    chat.drain(Duration::ZERO).await;
    assert_eq!(chat.readiness().reasons, [NotReady::Draining]);
    chat.shutdown().await;
    let records = stage.records();
    let written: BTreeSet<_> = records.iter().map(|record| record.event.as_str()).collect();
    let expected = [
        "node_started",
        "node_ready",
        "store_lost",
        "store_regained",
        "status",
        "node_draining",
        "node_stopped",
    ];
    assert_eq!(written, BTreeSet::from(expected));
    assert_eq!(records.last().unwrap().event, "node_stopped");
}
