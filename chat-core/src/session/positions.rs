//! How far a session has delivered and acknowledged each conversation.

use std::collections::HashMap;

use crate::types::{ConversationId, Seq};

/// One conversation of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Track {
    /// Everything up to here was handed out, or is the session's own.
    pub(crate) delivered: Seq,
    /// Everything up to here was acknowledged.
    pub(crate) acked: Seq,
    /// How far the conversation has come, as far as is known.
    pub(crate) head: Seq,
}

impl Track {
    /// How many messages are still to be delivered, as far as is known.
    pub(crate) fn behind(&self) -> usize {
        let behind = self.head.get().saturating_sub(self.delivered.get());
        usize::try_from(behind).unwrap_or(usize::MAX)
    }
}

/// The conversations that a session keeps in memory.
#[derive(Debug)]
pub(crate) struct Positions {
    by_conversation: HashMap<ConversationId, Track>,
    capacity: usize,
}

/// What is known of a position that is to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckCheck {
    /// It moves the acknowledged position forward.
    Advances,
    /// It is acknowledged already.
    Known,
    /// Only the store can tell whether there is such a message.
    AskStore,
}

impl Positions {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            by_conversation: HashMap::new(),
            capacity,
        }
    }

    pub(crate) fn get(&self, conversation: ConversationId) -> Option<Track> {
        self.by_conversation.get(&conversation).copied()
    }

    pub(crate) fn get_mut(&mut self, conversation: ConversationId) -> Option<&mut Track> {
        self.by_conversation.get_mut(&conversation)
    }

    /// Whether there is room for a conversation without news.
    pub(crate) fn has_room(&self) -> bool {
        self.by_conversation.len() < self.capacity
    }

    /// Takes in what the store says. A position that is known to be further stays where it is.
    pub(crate) fn learn(&mut self, conversation: ConversationId, acked: Seq, head: Seq) -> Track {
        if !self.by_conversation.contains_key(&conversation) {
            self.make_room();
        }
        let track = self.by_conversation.entry(conversation).or_default();
        track.acked = track.acked.max(acked);
        track.delivered = track.delivered.max(acked);
        track.head = track.head.max(head).max(track.delivered);
        *track
    }

    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.by_conversation.remove(&conversation);
    }

    /// Whether everything up to `seq` was delivered.
    pub(crate) fn is_delivered(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.get(conversation).is_some_and(|track| track.delivered >= seq)
    }

    /// Acknowledges all up to `seq`, where it is known that there is such a message.
    pub(crate) fn acknowledge(&mut self, conversation: ConversationId, seq: Seq) -> AckCheck {
        match self.by_conversation.get_mut(&conversation) {
            Some(track) if seq <= track.acked => AckCheck::Known,
            Some(track) if seq <= track.head => {
                track.acked = seq;
                AckCheck::Advances
            }
            _ => AckCheck::AskStore,
        }
    }

    /// Beyond the capacity, forgets conversations whose position can be had from the store again:
    /// those in which everything delivered is acknowledged and nothing is due.
    fn make_room(&mut self) {
        if self.by_conversation.len() < self.capacity {
            return;
        }
        let keep = self.capacity / 2;
        let mut surplus = self.by_conversation.len().saturating_sub(keep);
        self.by_conversation.retain(|_, track| {
            let settled = track.acked == track.delivered && track.delivered == track.head;
            let forget = settled && surplus > 0;
            surplus -= usize::from(forget);
            !forget
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::GroupId;

    fn group(id: u64) -> ConversationId {
        ConversationId::group(GroupId::new(id).unwrap())
    }

    fn seq(value: u64) -> Seq {
        Seq::new(value).unwrap()
    }

    #[test]
    fn only_what_exists_is_acknowledged_without_asking() {
        let mut positions = Positions::new(10);
        positions.learn(group(1), seq(2), seq(5));
        assert_eq!(positions.acknowledge(group(1), seq(2)), AckCheck::Known);
        assert_eq!(positions.acknowledge(group(1), seq(5)), AckCheck::Advances);
        assert_eq!(positions.acknowledge(group(1), seq(4)), AckCheck::Known);
        assert_eq!(positions.acknowledge(group(1), seq(6)), AckCheck::AskStore);
        assert_eq!(positions.acknowledge(group(2), seq(1)), AckCheck::AskStore);
    }

    #[test]
    fn beyond_the_capacity_only_settled_conversations_are_forgotten() {
        let mut positions = Positions::new(4);
        positions.learn(group(1), seq(0), seq(3));
        for id in 2..20 {
            positions.learn(group(id), seq(1), seq(1));
            assert!(positions.by_conversation.len() <= 4);
        }
        assert!(positions.get(group(1)).is_some());
    }

    #[test]
    fn what_the_store_says_never_moves_a_session_back() {
        let mut positions = Positions::new(4);
        positions.learn(group(1), seq(7), seq(9));
        let track = positions.learn(group(1), seq(3), seq(4));
        assert_eq!(
            (track.delivered, track.acked, track.head),
            (seq(7), seq(7), seq(9))
        );
    }
}
