//! What the server answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConversationView, GroupView, MemberView, MessageView, Reference, ServerFrame, UserView};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::types::{ConversationId, Device, GroupId, MessageId, Seq, Token, User};

/// A reply, without its `ref`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    /// To `register`.
    Registered {
        /// The new user.
        user: User,
    },
    /// To `login`.
    Welcome(Box<Welcome>),
    /// To `logout`.
    LoggedOut,
    /// To `send`: the message is stored durably.
    Sent(Sent),
    /// To `ack`.
    Acked,
    /// To `history`.
    History {
        /// Which conversation.
        conversation: ConversationId,
        /// Its messages by ascending seq.
        messages: Vec<MessageView>,
        /// Whether there are older ones.
        more: bool,
    },
    /// To `conversations`.
    Conversations {
        /// Newest first.
        conversations: Vec<ConversationView>,
        /// Whether there are more than were asked for, or than fit.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// To `add_friend`.
    FriendAdded {
        /// The friend.
        user: UserView,
    },
    /// To `remove_friend`.
    FriendRemoved {
        /// Who is a friend no more.
        user: User,
    },
    /// To `friends`.
    Friends {
        /// All friends.
        friends: Vec<UserView>,
    },
    /// To `create_group`.
    GroupCreated {
        /// The new group.
        group: GroupView,
    },
    /// To `join_group`.
    GroupJoined {
        /// The group joined.
        group: GroupView,
    },
    /// To `leave_group`.
    GroupLeft {
        /// The group left.
        group: GroupId,
    },
    /// To `groups`.
    Groups {
        /// All groups one is in.
        groups: Vec<GroupView>,
    },
    /// To `members`.
    Members {
        /// Members by ascending id.
        members: Vec<MemberView>,
        /// Whether there are members with higher ids.
        more: bool,
    },
    /// To `find_user`.
    UserFound {
        /// The user.
        user: UserView,
    },
    /// To `ping`.
    Pong {
        /// The server's time.
        at: Timestamp,
    },
    /// To anything that failed.
    Error(ErrorReply),
}

impl Reply {
    /// Adds the `ref` of the request it answers.
    pub const fn to_frame(self, reference: Option<Reference>) -> ServerFrame {
        ServerFrame::Reply {
            reply: self,
            reference,
        }
    }
}

/// The fields of `welcome`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Who logged in.
    pub user: User,
    /// On which device.
    pub device: Device,
    /// What logs in next time in place of a password; missing where the host application, and not
    /// this server, proves who its users are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// When the token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<Timestamp>,
    /// All friends.
    pub friends: Vec<UserView>,
    /// All groups one is in.
    pub groups: Vec<GroupView>,
}

/// The fields of `sent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Where it was stored.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Its idempotency id: the client's, or one that the server made.
    pub id: MessageId,
    /// Whether this id was stored before: then `seq` and `at` are the first one's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// The fields of `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What was wrong, in plain words.
    pub message: String,
    /// When it makes sense to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorReply {
    /// When it makes sense to try again.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

impl From<&Error> for ErrorReply {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            retry_after_ms: error.retry_delay().map(millis),
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
