//! The port for messages, conversations and delivery cursors.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::types::{Body, ConversationId, Data, Device, Message, MessageId, MessageIdOrigin, Seq, UserId};

/// Who may write to a user directly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SendPolicy {
    /// Anyone.
    #[default]
    Anyone,
    /// Friends, and oneself.
    Friends,
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
    /// Who may write directly; looks at nothing in a group.
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

/// How far a conversation has come, and how far one device has acknowledged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its last message.
    pub last_seq: Seq,
    /// The device's acknowledged position: delivery goes on after it. Never before a member's
    /// `joined_seq`.
    pub acked_seq: Seq,
}

/// A conversation in the overview of a user's conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationHead {
    /// How far it has come.
    pub position: Position,
    /// Its last message.
    pub last_message: Message,
}

/// A device's claim to be the one session of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSession {
    /// Counts this device's sessions: of two, the one with the higher number replaces the other.
    pub epoch: u64,
}

/// A device's acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorAdvance {
    /// Whose.
    pub user: UserId,
    /// Which of their devices.
    pub device: Device,
    /// In which conversation.
    pub conversation: ConversationId,
    /// All up to this was received.
    pub seq: Seq,
}

/// Messages, the conversations they are in, and how far each device has received them.
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
    /// it, is refused; the others get the conversation's next numbers in batch order, without
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

    /// The last messages before `before` (the conversation's last where `None`), ascending, at
    /// most `limit`, without gaps.
    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError>;

    /// Begins a session of a device, at `at`, and counts it.
    ///
    /// A device that was never seen gets, in every conversation its user takes part in, the
    /// position where the user's furthest device stands. Beyond `devices_limit` devices of the user
    /// the one unseen for longest, other than this one, is forgotten. Atomic. Repeating it counts
    /// once more and is harmless.
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError>;

    /// Where a device stands in the conversations its user takes part in: by ascending id (in the
    /// order of [`ConversationId`]), those after `after`, at most `limit`. A conversation without a message has `last_seq` 0.
    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError>;

    /// Where a device stands in one conversation; `None` where its user takes no part in it.
    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError>;

    /// The user's conversations that have messages, those with the newest last message first
    /// (by its time, then by descending id), at most `limit`.
    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError>;

    /// Moves acknowledged positions forward; one that is already further stays where it is.
    ///
    /// Devices that were never opened are ignored. Safe to repeat, in any order.
    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError>;

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
