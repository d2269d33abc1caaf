//! What can be written down, and what can be wrong with it.

use super::{delivery, order};
use crate::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};

/// One thing that a client saw. Sessions have numbers that the writer chooses, unique in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A session began. Acknowledgements written down before it count as known to the server.
    Opened {
        /// Its number.
        session: u64,
        /// Whose.
        user: UserId,
        /// On which of their devices.
        device: Device,
    },
    /// A user became a member, or a group's creator, while no send to the group was under way.
    Joined {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A user ceased to be a member, while no send to the group was under way.
    Left {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A send was answered with `sent`.
    Sent {
        /// The sending session.
        session: u64,
        /// Where it was stored.
        conversation: ConversationId,
        /// Its number there.
        seq: Seq,
        /// Its id, as `sent` has it.
        id: MessageId,
        /// Whether `sent` called it a duplicate.
        duplicate: bool,
    },
    /// A send got no answer, or one that leaves open whether it was stored.
    Unanswered {
        /// Where it was to be stored.
        conversation: ConversationId,
    },
    /// A session got the event `message`.
    Delivered {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Its number there.
        seq: Seq,
        /// Who wrote it.
        from: UserId,
        /// The client's id, where the event has it.
        id: Option<MessageId>,
    },
    /// A session acknowledged all up to a message.
    Acked {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Up to which message.
        seq: Seq,
    },
    /// A session has read until nothing more came: everything sent so far must have reached it.
    ReadToEnd {
        /// Which session.
        session: u64,
    },
}

/// A promise of the protocol that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An acknowledged message did not reach a session that was entitled to it.
    #[error("session {session} never got {conversation} {seq}")]
    Lost {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which message; others after it may be missing too.
        seq: Seq,
    },
    /// A session got a later message than the next one.
    #[error("session {session} got {conversation} {got} where {expected} was next")]
    Skipped {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// The next message.
        expected: Seq,
        /// What came.
        got: Seq,
    },
    /// A session got a message again, or one that its device had acknowledged or was not due.
    #[error("session {session} got {conversation} {got} again or too late: {expected} was next")]
    Repeated {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// The next message.
        expected: Seq,
        /// What came.
        got: Seq,
    },
    /// A session got what it had sent itself.
    #[error("session {session} got its own message {conversation} {seq}")]
    OwnDelivered {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// A session got a message of a conversation in which its user takes no part.
    #[error("session {session} got {conversation} {seq}, in which its user takes no part")]
    NotEntitled {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// A user's message was stored where they take no part.
    #[error("session {session} could write {conversation} {seq}, in which its user takes no part")]
    WrittenByStranger {
        /// Which session.
        session: u64,
        /// In which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// One id of one sender has two numbers.
    #[error("{conversation}: `{id}` is both {first} and {second}")]
    StoredTwice {
        /// In which conversation.
        conversation: ConversationId,
        /// The message's id.
        id: MessageId,
        /// The number seen first.
        first: Seq,
        /// The other number.
        second: Seq,
    },
    /// One number stands for two messages.
    #[error("{conversation} {seq} is more than one message")]
    SharedNumber {
        /// In which conversation.
        conversation: ConversationId,
        /// The number.
        seq: Seq,
    },
    /// A conversation's numbers have more holes than there are sends of unknown outcome.
    #[error("{conversation} has no {seq}")]
    Hole {
        /// In which conversation.
        conversation: ConversationId,
        /// The first number missing.
        seq: Seq,
    },
    /// A record names a session that was never opened: the history itself is wrong.
    #[error("session {session} was never opened")]
    UnknownSession {
        /// Which session.
        session: u64,
    },
}

/// What clients saw, in the order in which they saw it.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: Vec<Record>,
    crashes: bool,
}

impl History {
    /// A history in which servers may crash: an acknowledgement may be forgotten with one, so a
    /// session may begin with messages that its device had acknowledged.
    pub fn with_crashes() -> Self {
        Self {
            crashes: true,
            ..Self::default()
        }
    }

    /// Writes down what happened next.
    pub fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// What was written down.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The promises that were not kept; empty where all is well.
    pub fn violations(&self) -> Vec<Violation> {
        let mut violations = order::violations(&self.records);
        violations.extend(delivery::violations(&self.records, self.crashes));
        violations
    }
}
