//! Users, groups and messages in the form that frames show them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{
    Body, ConversationId, Data, Description, GroupId, GroupMembership, GroupName, Member, Message, MessageId,
    MessageIdOrigin, Role, Seq, User, UserId, UserName,
};

/// A user and whether they are online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: UserName,
    /// Whether they have a session.
    pub online: bool,
}

impl UserView {
    /// Adds to a user whether they are online.
    pub fn new(user: User, online: bool) -> Self {
        Self {
            id: user.id,
            name: user.name,
            online,
        }
    }
}

/// A group as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: Description,
    /// The member's role.
    pub role: Role,
    /// How many members it has.
    pub members: u64,
}

impl From<GroupMembership> for GroupView {
    fn from(membership: GroupMembership) -> Self {
        let GroupMembership {
            group,
            role,
            joined_seq: _,
        } = membership;
        Self {
            id: group.id,
            name: group.name,
            description: group.description,
            role,
            members: group.members,
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: UserName,
    /// Their role.
    pub role: Role,
    /// Whether they have a session.
    pub online: bool,
}

impl MemberView {
    /// Adds to a member whether they are online.
    pub fn new(member: Member, online: bool) -> Self {
        let Member { user, role } = member;
        Self {
            id: user.id,
            name: user.name,
            role,
            online,
        }
    }
}

/// A message as clients see it: in the event `message`, in `history` and in `last_message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Where it was written.
    pub conversation: ConversationId,
    /// Its number there.
    pub seq: Seq,
    /// Who wrote it.
    pub from: User,
    /// Its text.
    pub body: Body,
    /// When it was stored.
    pub at: Timestamp,
    /// The id that its sender's client chose, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// What it carries for its clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            conversation: message.conversation,
            seq: message.seq,
            from: message.from,
            body: message.body,
            at: message.at,
            id: (message.id_origin == MessageIdOrigin::Client).then_some(message.id),
            data: message.data,
        }
    }
}

/// A conversation in the overview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationView {
    /// Its id.
    pub conversation: ConversationId,
    /// Its last message's number.
    pub last_seq: Seq,
    /// Up to where this device acknowledged it.
    pub acked_seq: Seq,
    /// Its last message.
    pub last_message: MessageView,
}
