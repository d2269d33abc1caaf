//! Nodes that share their backends in memory, and users on them.

use std::sync::Arc;
use std::time::Duration;

use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::MemoryBackends;
use chat_core::ports::{Backends, SendPolicy, Stores};
use chat_core::protocol::{self, Event, MessageView, OutgoingMessage, Recipient};
use chat_core::types::{Body, Device, GroupId, MessageId, User, UserId, UserName};
use chat_core::{Chat, Session, SessionOptions, SystemUser};
use tokio::time::timeout;

/// Longer than anything in a test may take; it passes in paused time.
pub(crate) const LONG: Duration = Duration::from_secs(120);

#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Faults,
    pub(crate) presence: Faults,
    shared: MemoryBackends,
}

impl World {
    pub(crate) fn backends(&self) -> Backends {
        let store = Faulty::new(Arc::clone(&self.shared.store), self.store.clone());
        let presence = Faulty::new(Arc::clone(&self.shared.presence), self.presence.clone());
        Backends {
            stores: Stores::of(Arc::new(store)),
            presence: Arc::new(presence),
            ..self.shared.backends()
        }
    }

    pub(crate) fn chat(&self) -> Chat {
        Chat::builder(self.backends()).start()
    }

    pub(crate) fn chat_with(&self, policy: SendPolicy) -> Chat {
        Chat::builder(self.backends()).send_policy(policy).start()
    }
}

pub(crate) fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

pub(crate) async fn user(chat: &Chat, text: &str) -> User {
    chat.ensure_user(name(text)).await.unwrap()
}

pub(crate) async fn session(chat: &Chat, user: UserId) -> Session {
    session_on(chat, user, "default").await
}

pub(crate) async fn session_on(chat: &Chat, user: UserId, device: &str) -> Session {
    let options = SessionOptions {
        device: Device::parse(device).unwrap(),
        ..SessionOptions::default()
    };
    chat.session(user, options).await.unwrap()
}

pub(crate) async fn shop(chat: &Chat) -> SystemUser {
    chat.host().system_user(name("shop")).await.unwrap()
}

/// A new group of this session's user.
pub(crate) async fn group_of(session: &Session) -> GroupId {
    let request = protocol::CreateGroup {
        name: "customers".parse().unwrap(),
        description: "".parse().unwrap(),
    };
    session.create_group(request).await.unwrap().id
}

pub(crate) fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

pub(crate) fn text(to: Recipient, text: &str) -> OutgoingMessage {
    OutgoingMessage::text(to, text).unwrap()
}

pub(crate) fn with_id(message: OutgoingMessage, id: &str) -> OutgoingMessage {
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
