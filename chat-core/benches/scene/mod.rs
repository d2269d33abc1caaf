//! A chat in memory, its users and their connections, all on one thread.

#![allow(dead_code, reason = "every bench uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench that cannot be set up has nothing to measure"
)]

mod client;

use chat_core::ports::{Backends, CreateGroup, JoinGroup, NewGroup};
use chat_core::protocol::AckMode;
use chat_core::types::{Description, Device, GroupId, User};
use chat_core::{Chat, Limits, SessionOptions, memory};
use tokio::runtime::{Builder, Runtime};

pub(crate) use client::Client;

/// What most messages are like: a text of a hundred bytes.
pub(crate) const TEXT: &str = "0123456789012345678901234567890123456789012345678901234567890123456789\
                               012345678901234567890123456789";

/// One thread, so that what is measured is work and not the waking of threads.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A chat whose connections are as busy as a bench wants them.
pub(crate) struct Scene {
    pub(crate) chat: Chat,
    backends: Backends,
}

impl Scene {
    /// Starts a chat on the present runtime.
    pub(crate) fn start() -> Self {
        let backends = memory::backends();
        let limits = Limits {
            requests_per_second: u32::MAX,
            requests_burst: u32::MAX,
            ..Limits::default()
        };
        let chat = Chat::builder(backends.clone()).limits(limits).start();
        Self { chat, backends }
    }

    pub(crate) async fn user(&self, number: usize) -> User {
        let name = format!("user {number}").parse().unwrap();
        self.chat.ensure_user(name).await.unwrap()
    }

    /// A group of these users, made in the store, where nobody is told of it.
    pub(crate) async fn group(&self, name: &str, members: &[User]) -> GroupId {
        let groups = &self.backends.stores.groups;
        let (creator, others) = members.split_first().unwrap();
        let new = NewGroup {
            id: None,
            name: name.parse().unwrap(),
            description: Description::default(),
            creator: creator.id,
        };
        let CreateGroup::Created(made) = groups.create_group(&new, usize::MAX).await.unwrap() else {
            panic!("the name of the group is taken");
        };
        for member in others {
            let joined = groups.join_group(made.group.id, member.id, usize::MAX, usize::MAX);
            assert!(matches!(joined.await.unwrap(), JoinGroup::Joined(_)));
        }
        made.group.id
    }

    /// A connection of a user, read up to `synced`; the messages that came before it are counted.
    pub(crate) async fn connect(&self, user: &User, device: &str, ack: AckMode) -> (Client, usize) {
        let device = Device::parse(device).unwrap();
        let options = SessionOptions { device, ack };
        let connection = self.chat.accept_as(user.id, options, None).await.unwrap();
        let mut client = Client::new(connection);
        let messages = client.until_synced().await;
        (client, messages)
    }
}
