//! What hooks are asked about and told of.

use std::net::IpAddr;

use super::LoginMethod;
use crate::protocol::OutgoingMessage;
use crate::types::{ConversationId, Description, Device, GroupId, GroupName, User, UserName};

/// Somebody makes an account. Their password is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The name that is to be taken.
    pub name: UserName,
    /// Where they come from, where the transport tells.
    pub address: Option<IpAddr>,
}

/// A user begins a session. Neither password nor token is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLogin {
    /// Who.
    pub user: User,
    /// On which of their devices.
    pub device: Device,
    /// How they proved who they are.
    pub method: LoginMethod,
    /// Where they come from, where the transport tells.
    pub address: Option<IpAddr>,
}

/// A user sends a message, which is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who writes.
    pub sender: User,
    /// The conversation in which it would be stored.
    pub conversation: ConversationId,
    /// What is to be sent, to whom.
    pub message: OutgoingMessage,
}

/// A user befriends another, mutually.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friendship {
    /// Who asks for it.
    pub user: User,
    /// Whom they befriend.
    pub friend: User,
}

/// A user makes a group, which is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDraft {
    /// Who makes it.
    pub creator: User,
    /// What it is to be called.
    pub name: GroupName,
    /// What it is to be for.
    pub description: Description,
}

/// A user joins a group, which may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Who.
    pub user: User,
    /// Which group.
    pub group: GroupId,
}
