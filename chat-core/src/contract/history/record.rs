//! What can be written down.

use super::{Violation, delivery, gather};
use crate::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};

/// One thing that a client did or saw. Sessions have numbers that the writer chooses, unique in a
/// history.
///
/// Where sends and changes of membership happen at the same time, each is written down as it
/// begins too: `Sending`, `Joining`, `Leaving`. Without these a record stands for all of it.
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
    /// A user asks to become a member; asked again where no answer came, it is written down again.
    Joining {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A user is a member, or a group's creator.
    Joined {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A user asks to be no member any more.
    Leaving {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A user is no member any more.
    Left {
        /// Who.
        user: UserId,
        /// Of which group.
        group: GroupId,
    },
    /// A send goes out, for the first time or again.
    Sending {
        /// The sending session.
        session: u64,
        /// Where it is to be stored.
        conversation: ConversationId,
        /// Its id.
        id: MessageId,
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
    /// A send was answered by an error that leaves open whether it was stored, and may be sent again.
    Failed {
        /// The sending session.
        session: u64,
        /// Where it was to be stored.
        conversation: ConversationId,
        /// Its id.
        id: MessageId,
    },
    /// Every attempt at a send was refused: it must never be seen.
    Refused {
        /// The sending session.
        session: u64,
        /// Where it was to be stored.
        conversation: ConversationId,
        /// Its id.
        id: MessageId,
    },
    /// A send without a clear answer is not tried again: it may be stored or not.
    GivenUp {
        /// The sending session.
        session: u64,
        /// Where it was to be stored.
        conversation: ConversationId,
        /// Its id.
        id: MessageId,
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
    /// A session has read until nothing more came: everything seen so far must have reached it.
    ReadToEnd {
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
    /// A history in which servers, and what lies between them, may fail.
    ///
    /// An acknowledgement may be forgotten, so a session may begin with messages that its device
    /// had acknowledged. And a session that is open while its user leaves a group elsewhere may
    /// get the group's messages until its server learns of it.
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

    /// The promises that were not kept; empty where all is well. Takes time in proportion to the
    /// number of records.
    pub fn violations(&self) -> Vec<Violation> {
        let (messages, mut violations) = gather::gather(&self.records);
        violations.extend(delivery::violations(&self.records, &messages, self.crashes));
        violations
    }
}

impl FromIterator<Record> for History {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        Self {
            records: records.into_iter().collect(),
            ..Self::default()
        }
    }
}
