//! What the server tells without being asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{MessageView, ServerFrame, reply};
use crate::error::GoodbyeCode;
use crate::types::{GroupId, User};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A message in one of the session's conversations.
    Message(MessageView),
    /// All that was stored before the login has been delivered.
    Synced,
    /// A friend came online or went offline.
    Presence {
        /// The friend.
        user: User,
        /// Whether they are online now.
        online: bool,
    },
    /// Somebody made this user a friend.
    FriendAdded {
        /// Who.
        user: User,
    },
    /// Somebody ended the friendship.
    FriendRemoved {
        /// Who.
        user: User,
    },
    /// Somebody joined a group that this user is in.
    MemberJoined {
        /// Which group.
        group: GroupId,
        /// Who.
        user: User,
    },
    /// Somebody left a group that this user is in.
    MemberLeft {
        /// Which group.
        group: GroupId,
        /// Who.
        user: User,
    },
    /// The server closes the connection after this.
    Goodbye(Goodbye),
}

impl Event {
    /// The event as a frame.
    pub const fn to_frame(self) -> ServerFrame {
        ServerFrame::Event(self)
    }
}

/// The fields of `goodbye`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Why the connection is closed.
    pub code: GoodbyeCode,
    /// The same in plain words.
    pub message: String,
    /// When it makes sense to connect again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Goodbye {
    /// A goodbye with the plain words that belong to its code.
    pub fn new(code: GoodbyeCode, retry_after: Option<Duration>) -> Self {
        let message = match code {
            GoodbyeCode::Replaced => "this device logged in elsewhere",
            GoodbyeCode::FrameTooLarge => "the frame is longer than this server takes",
            GoodbyeCode::TooManyErrors => "too many requests of this connection failed",
            GoodbyeCode::LoginTimeout => "no login within the time allowed",
            GoodbyeCode::IdleTimeout => "nothing was heard for the time allowed",
            GoodbyeCode::TooManyConnections => "there are too many connections",
            GoodbyeCode::ServerDraining => "this server shuts down; connect again",
            GoodbyeCode::Expelled => "the application closed this session",
        };
        Self {
            code,
            message: message.to_owned(),
            retry_after_ms: retry_after.map(reply::millis),
        }
    }
}
