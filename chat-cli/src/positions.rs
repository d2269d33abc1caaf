//! How far each conversation was delivered, taken and acknowledged, to leave out repetitions.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use chat_core::protocol::Ack;
use chat_core::types::{ConversationId, Seq};
use lru::LruCache;

/// The positions of the conversations that were seen last.
#[derive(Debug)]
pub(crate) struct Positions {
    conversations: LruCache<ConversationId, Position>,
    own_limit: usize,
    /// What is to be acknowledged next, one position a conversation.
    due: HashMap<ConversationId, Seq>,
}

#[derive(Debug, Default)]
struct Position {
    /// All up to this was handed to the event queue, or is an own message.
    delivered: Seq,
    /// All up to this was taken by the application, or is an own message.
    taken: Seq,
    /// Own messages beyond `taken`: their `sent` stands for them.
    own: BTreeSet<Seq>,
}

impl Positions {
    pub(crate) fn new(conversations: usize, own_limit: usize) -> Self {
        let conversations = NonZeroUsize::new(conversations).unwrap_or(NonZeroUsize::MIN);
        Self {
            conversations: LruCache::new(conversations),
            own_limit,
            due: HashMap::new(),
        }
    }

    /// Notes a delivery; whether it is the first of this message.
    pub(crate) fn deliver(&mut self, conversation: ConversationId, seq: Seq) -> bool {
        let position = self.position(conversation);
        if seq > position.delivered && !position.own.contains(&seq) {
            position.delivered = seq;
            return true;
        }
        // The server does not know that it was taken: the acknowledgement was lost on the way.
        if seq <= position.taken {
            let taken = position.taken;
            self.due.insert(conversation, taken);
        }
        false
    }

    /// Notes that the application has done with a message.
    pub(crate) fn take(&mut self, conversation: ConversationId, seq: Seq) {
        let position = self.position(conversation);
        if seq > position.taken {
            position.taken = seq;
            position.pass_own();
            let taken = position.taken;
            self.due.insert(conversation, taken);
        }
    }

    /// Notes an own message, which a later session may deliver.
    pub(crate) fn sent(&mut self, conversation: ConversationId, seq: Seq) {
        let own_limit = self.own_limit;
        let position = self.position(conversation);
        if seq <= position.taken {
            return;
        }
        position.own.insert(seq);
        if position.own.len() > own_limit {
            position.own.pop_first();
        }
        let before = position.taken;
        position.pass_own();
        let taken = position.taken;
        if taken > before {
            self.due.insert(conversation, taken);
        }
    }

    /// Whether anything is to be acknowledged.
    pub(crate) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Takes what is to be acknowledged.
    pub(crate) fn take_due(&mut self) -> Vec<Ack> {
        self.due
            .drain()
            .map(|(conversation, seq)| Ack { conversation, seq })
            .collect()
    }

    fn position(&mut self, conversation: ConversationId) -> &mut Position {
        self.conversations
            .get_or_insert_mut(conversation, Position::default)
    }
}

impl Position {
    /// Moves over own messages that follow without a gap: nobody else will take them.
    fn pass_own(&mut self) {
        while self.own.remove(&self.taken.next()) {
            self.taken = self.taken.next();
        }
        let taken = self.taken;
        self.own.retain(|&seq| seq > taken);
        self.delivered = self.delivered.max(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> ConversationId {
        "d:1:2".parse().unwrap()
    }

    fn seq(value: u64) -> Seq {
        Seq::new(value).unwrap()
    }

    fn due(positions: &mut Positions) -> Vec<u64> {
        positions.take_due().iter().map(|ack| ack.seq.get()).collect()
    }

    #[test]
    fn a_message_is_delivered_once() {
        let mut positions = Positions::new(10, 10);
        assert!(positions.deliver(conversation(), seq(4)));
        assert!(positions.deliver(conversation(), seq(6)));
        assert!(!positions.deliver(conversation(), seq(4)));
        assert!(!positions.deliver(conversation(), seq(6)));
        assert!(positions.deliver("g:1".parse().unwrap(), seq(4)));
    }

    #[test]
    fn only_what_was_taken_is_acknowledged() {
        let mut positions = Positions::new(10, 10);
        positions.deliver(conversation(), seq(1));
        positions.deliver(conversation(), seq(2));
        assert!(!positions.is_due());
        positions.take(conversation(), seq(1));
        assert_eq!(due(&mut positions), [1]);
        assert_eq!(due(&mut positions), [0_u64; 0]);
    }

    #[test]
    fn a_repeated_delivery_of_what_was_taken_is_acknowledged_again() {
        let mut positions = Positions::new(10, 10);
        positions.deliver(conversation(), seq(1));
        assert!(!positions.deliver(conversation(), seq(1)));
        assert!(!positions.is_due());
        positions.take(conversation(), seq(1));
        positions.take_due();
        assert!(!positions.deliver(conversation(), seq(1)));
        assert_eq!(due(&mut positions), [1]);
    }

    #[test]
    fn own_messages_are_left_out_and_acknowledged_once_all_before_them_was_taken() {
        let mut positions = Positions::new(10, 10);
        positions.sent(conversation(), seq(2));
        assert!(!positions.deliver(conversation(), seq(2)));
        assert!(!positions.is_due());
        assert!(positions.deliver(conversation(), seq(1)));
        positions.take(conversation(), seq(1));
        assert_eq!(due(&mut positions), [2]);
        positions.sent(conversation(), seq(3));
        assert_eq!(due(&mut positions), [3]);
        assert!(!positions.deliver(conversation(), seq(3)));
    }

    #[test]
    fn positions_stay_within_their_bounds() {
        let mut positions = Positions::new(2, 2);
        for group in 1..=5_u64 {
            let conversation = format!("g:{group}").parse().unwrap();
            for own in 2..=9 {
                positions.sent(conversation, seq(own));
            }
        }
        assert_eq!(positions.conversations.len(), 2);
        assert!(
            positions
                .conversations
                .iter()
                .all(|(_, position)| position.own.len() == 2)
        );
    }
}
