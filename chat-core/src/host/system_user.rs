//! Whom the application writes as.

use crate::chat::Chat;
use crate::error::{Error, ErrorCode};
use crate::ports::UserSelector;
use crate::protocol::{OutgoingMessage, Recipient, Sent};
use crate::session;
use crate::types::{Body, GroupId, User, UserName};

/// An account that the application writes as, such as a shop's or a moderator's: see
/// [`Host::system_user`](crate::Host::system_user).
///
/// What is sent through it asks for no friendship and no membership, and joins nothing. To everybody else the account
/// is a user like others: they see its name and can answer it, where the node's
/// [policy](crate::ChatBuilder::send_policy) lets them. A [session](Chat::session) of it, for a bot that reads the
/// answers, has the rights of any user and no more.
#[derive(Clone, Debug)]
pub struct SystemUser {
    chat: Chat,
    user: User,
}

impl SystemUser {
    pub(super) async fn find(chat: &Chat, name: UserName) -> Result<Self, Error> {
        let node = chat.for_clients()?;
        let user = session::ensure_user(node, name).await?;
        let selector = UserSelector::Id(user.id);
        let call = node.backends.stores.users.credentials(&selector);
        let found = node.store.read(call).await?;
        if found.is_some_and(|credentials| credentials.password.is_some()) {
            let message = "a user of this name exists, who logs in by password";
            return Err(Error::new(ErrorCode::NameTaken, message));
        }
        Ok(Self {
            chat: chat.clone(),
            user,
        })
    }

    /// The account.
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// Sends a message to any user or any group, and answers when it is stored durably.
    ///
    /// Give the message an id to be able to repeat it: whatever came of the first attempt, it is stored once.
    ///
    /// # Errors
    /// `not_found` for a recipient who does not exist, `unavailable` where the store cannot be reached, or messages
    /// could not be stored in time: then it may have been stored.
    pub async fn send(&self, message: OutgoingMessage) -> Result<Sent, Error> {
        session::send_as_system(self.chat.for_clients()?, &self.user, message).await
    }

    /// Sends a text to all members of a group, whose conversation it becomes part of: those who are offline get it
    /// when they come back. It is [`send`](Self::send) without an id.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn broadcast(&self, group: GroupId, body: Body) -> Result<Sent, Error> {
        let message = OutgoingMessage {
            to: Recipient::Group(group),
            body,
            id: None,
            data: None,
        };
        self.send(message).await
    }
}
