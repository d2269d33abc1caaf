//! What can be wrong with a history.

use crate::types::{ConversationId, MessageId, Seq, UserId};

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
    /// A session got a message of a conversation in which its user takes no part, or that is older
    /// than their part in it.
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
    #[error("user {user} could write {conversation} {seq}, in which they take no part")]
    WrittenByStranger {
        /// Who wrote it.
        user: UserId,
        /// In which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// A message that was refused was stored all the same.
    #[error("{conversation} {seq} was refused and is stored")]
    StoredThoughRefused {
        /// In which conversation.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// A send was neither answered nor given up.
    #[error("user {user} got no answer to `{id}` in {conversation}")]
    NeverAnswered {
        /// Who sent it.
        user: UserId,
        /// Where it was to be stored.
        conversation: ConversationId,
        /// Its id.
        id: MessageId,
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
    /// A conversation's numbers have more holes than there are sends that were given up.
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
