//! Stores over RPC, and what they are asked.

use std::sync::Arc;
use std::time::Duration;

use chat_adapters::grpc::{RemoteOptions, RemoteStore};
use chat_core::memory::StaticRegistry;
use chat_core::ports::{NewGroup, NewMessage, NewUser, Peer, SendPolicy};
use chat_core::types::{ConversationId, Description, MessageId, MessageIdOrigin, NodeId, UserId, UserName};
use chat_core::{BackendError, BackendErrorKind, Timestamp};

/// How long anything may take before a test fails; only a failure ever waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn peer(address: &str) -> Peer {
    Peer {
        node: NodeId::parse(address).unwrap(),
        address: address.to_owned(),
    }
}

/// A store whose backends are these, not waited for.
pub(crate) fn store(addresses: &[String], options: RemoteOptions) -> RemoteStore {
    let registry = StaticRegistry::new(addresses.iter().map(|address| peer(address)));
    RemoteStore::new(Arc::new(registry), options).unwrap()
}

/// A store whose backends are these, once one of them is serving.
pub(crate) async fn ready(addresses: &[String]) -> RemoteStore {
    let store = store(addresses, RemoteOptions::default());
    store.ready(DEADLINE).await.unwrap();
    store
}

/// Options with this time-out of calls.
pub(crate) fn within(millis: u64) -> RemoteOptions {
    RemoteOptions {
        call_timeout: Duration::from_millis(millis),
        ..RemoteOptions::default()
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, waiting).await;
    assert!(waited.is_ok(), "{what}: not in time");
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, BackendError>) -> BackendErrorKind {
    result.unwrap_err().kind()
}

pub(crate) fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        id: None,
        name: UserName::parse(name).unwrap(),
        password: None,
    }
}

pub(crate) fn new_group(name: &str, creator: UserId) -> NewGroup {
    NewGroup {
        id: None,
        name: name.parse().unwrap(),
        description: Description::default(),
        creator,
    }
}

pub(crate) fn message(conversation: ConversationId, sender: UserId, id: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender,
        id: MessageId::parse(id).unwrap(),
        id_origin: MessageIdOrigin::Client,
        body: "hello".parse().unwrap(),
        data: None,
        at: Timestamp::from_millis(1_700_000_000_000),
        policy: SendPolicy::Anyone,
    }
}
