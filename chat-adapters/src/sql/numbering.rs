//! Giving the messages of a batch their outcomes and numbers.

use std::collections::HashMap;

use chat_core::Timestamp;
use chat_core::ports::{Appended, NewMessage, SendPolicy};
use chat_core::types::{ConversationId, MessageId, Seq, UserId};

/// What makes a message one and the same.
pub(crate) type Key<'b> = (ConversationId, UserId, &'b MessageId);

/// Whether a sender may write to a conversation, and how far it has come.
pub(crate) struct Access {
    pub(crate) last_seq: Seq,
    /// The sender, and the group or the other user, exist.
    pub(crate) exists: bool,
    pub(crate) is_member: bool,
    pub(crate) are_friends: bool,
}

/// Gives a batch its numbers, message by message.
pub(crate) struct Numbering<'b> {
    stored: HashMap<Key<'b>, (Seq, Timestamp)>,
    access: HashMap<(ConversationId, UserId), Access>,
    pub(crate) last: HashMap<ConversationId, (Seq, Timestamp)>,
    pub(crate) rows: Vec<(Seq, &'b NewMessage)>,
}

impl<'b> Numbering<'b> {
    /// Begins with what is stored already, and with what decides about each sender.
    pub(crate) fn new(
        stored: HashMap<Key<'b>, (Seq, Timestamp)>,
        access: HashMap<(ConversationId, UserId), Access>,
    ) -> Self {
        Self {
            stored,
            access,
            last: HashMap::new(),
            rows: Vec::new(),
        }
    }

    /// Whether each message is stored, or repeats one of its own batch. Only then nobody has to look for messages that
    /// are stored already, because those are answered before anything else.
    pub(crate) fn all_answered(outcomes: &[Appended]) -> bool {
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Appended::Stored { .. } | Appended::Duplicate { .. }))
    }

    /// Answers one message, and keeps it as a row where it is to be stored.
    pub(crate) fn place(&mut self, new: &'b NewMessage) -> Appended {
        let key = (new.conversation, new.sender, &new.id);
        if let Some(&(seq, at)) = self.stored.get(&key) {
            return Appended::Duplicate { seq, at };
        }
        let Some(access) = self.access.get(&(new.conversation, new.sender)) else {
            return Appended::NotMember;
        };
        if let Some(refused) = access.refusal(new) {
            return refused;
        }
        let last = self.last.get(&new.conversation);
        let seq = last.map_or(access.last_seq, |(seq, _)| *seq).next();
        self.last.insert(new.conversation, (seq, new.at));
        self.stored.insert(key, (seq, new.at));
        self.rows.push((seq, new));
        Appended::Stored { seq }
    }
}

impl Access {
    /// Why a message may not be stored, in the order of the port.
    fn refusal(&self, new: &NewMessage) -> Option<Appended> {
        if !self.exists {
            return Some(Appended::NotFound);
        }
        if new.conversation.as_group().is_some() {
            let is_free = self.is_member || new.policy == SendPolicy::System;
            return (!is_free).then_some(Appended::NotMember);
        }
        let is_free = new.policy != SendPolicy::Friends
            || self.are_friends
            || new.conversation.other(new.sender) == Some(new.sender);
        (!is_free).then_some(Appended::NotFriends)
    }
}
