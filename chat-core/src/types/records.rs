//! Users, groups, members and messages as the domain sees them.

use serde::{Deserialize, Serialize};

use super::{Body, ConversationId, Data, Description, GroupId, GroupName, MessageId, Seq, UserId, UserName};
use crate::clock::Timestamp;

/// A user, as others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id that the store gave.
    pub id: UserId,
    /// The name as the user wrote it.
    pub name: UserName,
}

/// A group, without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The id that the store gave.
    pub id: GroupId,
    /// The name as its creator wrote it.
    pub name: GroupName,
    /// What the group is for; possibly empty.
    pub description: Description,
    /// How many members it has.
    pub members: u64,
}

/// What a member may do in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Made the group.
    Creator,
    /// Joined it.
    Normal,
}

impl Role {
    /// The word used on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Normal => "normal",
        }
    }

    /// Reads the word used on the wire and in the store.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "creator" => Some(Self::Creator),
            "normal" => Some(Self::Normal),
            _ => None,
        }
    }
}

/// A group as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMembership {
    /// The group.
    pub group: Group,
    /// The member's role in it.
    pub role: Role,
    /// The group's last message when the member joined: delivery starts after it.
    pub joined_seq: Seq,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: User,
    /// Their role.
    pub role: Role,
}

/// Who chose a message's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageIdOrigin {
    /// The sending client: its id is shown to all receivers.
    Client,
    /// The node, because the client gave none: it serves the node's own retries only.
    Node,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was written.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: Seq,
    /// Who wrote it.
    pub from: User,
    /// Its idempotency id.
    pub id: MessageId,
    /// Whether the client or the node chose `id`.
    pub id_origin: MessageIdOrigin,
    /// Its text.
    pub body: Body,
    /// What it carries for its clients.
    pub data: Option<Data>,
    /// When it was stored.
    pub at: Timestamp,
}
