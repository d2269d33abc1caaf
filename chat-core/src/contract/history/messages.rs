//! The messages of a history, as all who saw them must agree on them.

use std::collections::HashMap;

use super::Violation;
use crate::types::{ConversationId, MessageId, Seq, UserId};

/// Whether a session has to get a message that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// It must not.
    Own,
    /// It tried, and may get it or not: an earlier attempt may have stored it.
    PerhapsOwn,
}

/// A message, as all must agree on it.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pub(super) from: UserId,
    pub(super) id: Option<&'a MessageId>,
    /// The first record of it.
    pub(super) known_at: usize,
    /// Where its first attempt began; unknown where only receivers wrote it down.
    pub(super) begun_at: Option<usize>,
    /// The sessions that tried to send it; mostly one.
    pub(super) senders: Vec<(u64, Whose)>,
}

/// A conversation's messages by their numbers.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) id: ConversationId,
    slots: Vec<Option<Slot<'a>>>,
    /// The lowest number of what began at a record or later, ascending by records.
    begun: Vec<(usize, Seq)>,
    /// Sends that were perhaps stored and never seen.
    pub(super) lost_sends: usize,
}

/// What is known of all messages, whoever saw them.
#[derive(Debug, Default)]
pub(super) struct Messages<'a> {
    places: HashMap<ConversationId, usize>,
    pub(super) conversations: Vec<Conversation<'a>>,
}

impl<'a> Messages<'a> {
    pub(super) fn place_of_new(&mut self, conversation: ConversationId) -> usize {
        let Self {
            places,
            conversations,
        } = self;
        *places.entry(conversation).or_insert_with(|| {
            conversations.push(Conversation {
                id: conversation,
                slots: Vec::new(),
                begun: Vec::new(),
                lost_sends: 0,
            });
            conversations.len() - 1
        })
    }

    /// A conversation in which anything was sent or delivered.
    pub(super) fn get(&self, conversation: ConversationId) -> Option<&Conversation<'a>> {
        self.conversations.get(*self.places.get(&conversation)?)
    }

    /// All conversations.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Conversation<'a>> {
        self.conversations.iter()
    }
}

impl<'a> Conversation<'a> {
    pub(super) fn slot_or_new(&mut self, index: usize, from: UserId, at: usize) -> &mut Slot<'a> {
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        // The vector was made long enough above.
        #[expect(clippy::indexing_slicing, reason = "the vector was made long enough above")]
        self.slots[index].get_or_insert(Slot {
            from,
            id: None,
            known_at: at,
            begun_at: None,
            senders: Vec::new(),
        })
    }

    pub(super) fn slot_mut(&mut self, seq: Seq) -> Option<&mut Slot<'a>> {
        self.slots.get_mut(index(seq)?)?.as_mut()
    }

    fn slot(&self, seq: Seq) -> Option<&Slot<'a>> {
        self.slots.get(index(seq)?)?.as_ref()
    }

    /// All messages, ascending.
    pub(super) fn messages(&self) -> impl Iterator<Item = (Seq, &Slot<'a>)> {
        self.messages_after(Seq::ZERO)
    }

    /// All messages after one, ascending.
    pub(super) fn messages_after(&self, after: Seq) -> impl Iterator<Item = (Seq, &Slot<'a>)> {
        let skipped = usize::try_from(after.get()).unwrap_or(usize::MAX);
        let numbers = std::iter::successors(Some(after.next()), |seq| Some(seq.next()));
        let slots = self.slots.get(skipped..).unwrap_or_default();
        let numbered = numbers.zip(slots);
        numbered.filter_map(|(seq, slot)| slot.as_ref().map(|slot| (seq, slot)))
    }

    /// Whether a session sent a message; `None` where it did not.
    pub(super) fn whose(&self, session: u64, seq: Seq) -> Option<Whose> {
        self.slot(seq)?.whose(session)
    }

    /// The lowest number of what began after a record.
    pub(super) fn earliest_after(&self, at: usize) -> Option<Seq> {
        let later = self.begun.partition_point(|&(begun, _)| begun <= at);
        self.begun.get(later).map(|&(_, seq)| seq)
    }

    pub(super) fn order_beginnings(&mut self) {
        let begun = self
            .messages()
            .filter_map(|(seq, slot)| Some((slot.begun_at?, seq)));
        let mut begun: Vec<_> = begun.collect();
        begun.sort_unstable();
        let mut lowest = None;
        for (_, seq) in begun.iter_mut().rev() {
            *seq = lowest.map_or(*seq, |lowest: Seq| lowest.min(*seq));
            lowest = Some(*seq);
        }
        self.begun = begun;
    }

    pub(super) fn hole(&self) -> Option<Violation> {
        let holes = self.slots.iter().filter(|slot| slot.is_none()).count();
        if holes <= self.lost_sends {
            return None;
        }
        let before = self.slots.iter().take_while(|slot| slot.is_some()).count();
        Some(Violation::Hole {
            conversation: self.id,
            seq: Seq::ZERO.advanced_by(before as u64 + 1),
        })
    }
}

impl Slot<'_> {
    pub(super) fn whose(&self, session: u64) -> Option<Whose> {
        let sent = self.senders.iter().find(|(sender, _)| *sender == session);
        sent.map(|&(_, whose)| whose)
    }
}

/// Where a number stands among the slots; `None` for 0.
pub(super) fn index(seq: Seq) -> Option<usize> {
    usize::try_from(seq.get()).ok()?.checked_sub(1)
}
