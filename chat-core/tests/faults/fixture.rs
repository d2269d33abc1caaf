//! Nodes on shared in-memory backends that fail on command.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::{MemoryBackends, MemoryStore};
use chat_core::ports::{Backends, MessageStore, Stores};
use chat_core::protocol::{Event, MessageView, OutgoingMessage, Recipient};
use chat_core::types::{ConversationId, Device, Message, MessageId, Seq, User};
use chat_core::{Chat, Connection, Limits, Next, Session, SessionOptions};
use serde_json::Value;
use tokio::time::timeout;

/// Longer than anything in a test may take; it passes in paused time.
pub(crate) const LONG: Duration = Duration::from_secs(120);

#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Faults,
    pub(crate) bus: Faults,
    pub(crate) presence: Faults,
    shared: MemoryBackends,
}

impl World {
    pub(crate) fn chat(&self) -> Chat {
        self.chat_with(Limits::default())
    }

    pub(crate) fn chat_with(&self, limits: Limits) -> Chat {
        let shared = &self.shared;
        let store = Faulty::new(Arc::clone(&shared.store), self.store.clone());
        let backends = Backends {
            stores: Stores::of(Arc::new(store)),
            bus: Arc::new(Faulty::new(Arc::clone(&shared.bus), self.bus.clone())),
            presence: Arc::new(Faulty::new(Arc::clone(&shared.presence), self.presence.clone())),
            ..shared.backends()
        };
        Chat::builder(backends).limits(limits).start()
    }

    /// The store beneath the wrappers.
    pub(crate) fn store(&self) -> &MemoryStore {
        &self.shared.store
    }

    /// What is stored, whatever the wrappers say.
    pub(crate) async fn stored(&self, conversation: ConversationId) -> Vec<Message> {
        let store = &self.shared.store;
        store.read_after(conversation, Seq::ZERO, 1_000).await.unwrap()
    }
}

pub(crate) async fn user(chat: &Chat, name: &str) -> User {
    chat.ensure_user(name.parse().unwrap()).await.unwrap()
}

pub(crate) async fn session(chat: &Chat, user: &User) -> Session {
    let session = chat.session(user.id, SessionOptions::default()).await;
    session.unwrap()
}

pub(crate) async fn session_on(chat: &Chat, user: &User, device: &str) -> Session {
    let options = SessionOptions {
        device: Device::parse(device).unwrap(),
        ..SessionOptions::default()
    };
    chat.session(user.id, options).await.unwrap()
}

pub(crate) fn message(to: &User, id: &str) -> OutgoingMessage {
    let message = OutgoingMessage::text(Recipient::User(to.id), "hello").unwrap();
    message.with_id(MessageId::parse(id).unwrap())
}

/// The next message of a session; other events are passed over.
pub(crate) async fn next_message(session: &mut Session) -> MessageView {
    let next = async {
        loop {
            if let Event::Message(message) = session.next_event().await.expect("the session goes on") {
                return message;
            }
        }
    };
    timeout(LONG, next).await.expect("a message comes")
}

/// A connection of an authenticated user that has got its `welcome` and `synced`.
pub(crate) async fn connection(chat: &Chat, user: &User) -> Connection {
    let options = SessionOptions::default();
    let mut connection = chat.accept_as(user.id, options, None).await.unwrap();
    frames_until(&mut connection, "synced").await;
    connection
}

/// Reads frames up to one of this type, which is the last of those answered.
pub(crate) async fn frames_until(connection: &mut Connection, last: &str) -> Vec<Value> {
    let mut frames = Vec::new();
    let reading = async {
        loop {
            let mut taken: Vec<Bytes> = Vec::new();
            let next = connection.next_frames(&mut taken).await;
            connection.written();
            let values = taken
                .iter()
                .map(|frame| serde_json::from_slice::<Value>(frame).unwrap());
            frames.extend(values);
            if next == Next::Close || frames.iter().any(|frame| frame["type"] == last) {
                return;
            }
        }
    };
    timeout(LONG, reading).await.expect("the frame comes");
    assert_eq!(frames.last().unwrap()["type"], last, "{frames:?}");
    frames
}
