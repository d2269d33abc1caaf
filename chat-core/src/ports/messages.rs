//! The port for messages and conversations.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::Position;
use crate::types::{Body, ConversationId, Data, Device, Message, MessageId, MessageIdOrigin, Seq, UserId};

/// Who may write to a user directly, and whether a group asks for membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SendPolicy {
    /// Anyone writes to a user, and members to a group.
    #[default]
    Anyone,
    /// Friends and oneself write to a user, and members to a group.
    Friends,
    /// The application itself writes, to any user and any group: see [`SystemUser`](crate::SystemUser).
    System,
}

/// A message to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Where it is written. For a direct conversation, one of the two users is `sender`.
    pub conversation: ConversationId,
    /// Who writes it.
    pub sender: UserId,
    /// Its idempotency id.
    pub id: MessageId,
    /// Whether the client or the node chose `id`.
    pub id_origin: MessageIdOrigin,
    /// Its text.
    pub body: Body,
    /// What it carries for its clients.
    pub data: Option<Data>,
    /// The time that it is stored with.
    pub at: Timestamp,
    /// Who may write.
    pub policy: SendPolicy,
}

/// What came of storing one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It was stored with this number.
    Stored {
        /// Its number in the conversation.
        seq: Seq,
    },
    /// The same (conversation, sender, id) was stored before, or earlier in this batch.
    Duplicate {
        /// The first one's number.
        seq: Seq,
        /// The first one's time.
        at: Timestamp,
    },
    /// The sender is no member of the group.
    NotMember,
    /// The policy asks for friendship and the two are not friends.
    NotFriends,
    /// The group, or the other user, does not exist.
    NotFound,
}

/// A conversation in the overview of a user's conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationHead {
    /// How far it has come.
    pub position: Position,
    /// Its last message.
    pub last_message: Message,
}

/// The messages of a conversation that follow a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRange {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The position.
    pub after: Seq,
    /// How many messages at most.
    pub limit: usize,
}

/// Messages, and the conversations they are in.
///
/// A user **takes part** in a direct conversation that has a message and is theirs, and in the
/// conversation of each group they are a member of, also while it has no message.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MessageStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores a batch, and answers for each message in the order given.
    ///
    /// One transaction, durable when it answers: either the whole batch is done or nothing.
    /// For each message, in this order: an id that is stored already answers `Duplicate`; a missing
    /// group or user `NotFound`; a sender who is no member, or no friend where the policy asks for
    /// it, is refused, but for [`SendPolicy::System`]; the others get the conversation's next numbers in batch order, without
    /// gaps, whoever else appends at the same time. Refused messages take no number.
    ///
    /// Safe to repeat: what was stored answers `Duplicate`.
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError>;

    /// Messages after `after`, ascending, at most `limit`, without gaps. Empty where there are none.
    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError>;

    /// The messages of several conversations, no two ranges being of the same one: range by range in the order given,
    /// and in each what [`read_after`](Self::read_after) answers for it.
    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError>;

    /// The last messages before `before` (the conversation's last where `None`), ascending, at
    /// most `limit`, without gaps.
    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError>;

    /// The user's conversations that have messages, those with the newest last message first
    /// (by its time, then by descending id), at most `limit`.
    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError>;

    /// Conversations that got messages within the last `window`, by the store's own clock, with
    /// their last seq: by ascending id, those after `after`, at most `limit`.
    ///
    /// Covers what a bus lost.
    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError>;
}
