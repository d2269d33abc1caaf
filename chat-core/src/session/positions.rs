//! How far a session has delivered and acknowledged each conversation.

use crate::types::{ConversationId, Seq, UserId};

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
///
/// They are most of what an idle session costs, so they lie side by side, each under as short a key as
/// there can be, and hardly any room is kept for more of them.
#[derive(Debug)]
pub(crate) struct Positions {
    /// Whose conversations they are.
    user: UserId,
    /// By ascending key.
    tracks: Vec<(Key, Track)>,
    capacity: usize,
}

/// A conversation among those of one user: a group, or the other user of a direct conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    /// `None` for a conversation between others. Ids are below 2^53, so a bit is free.
    fn of(conversation: ConversationId, user: UserId) -> Option<Self> {
        match conversation.as_group() {
            Some(group) => Some(Self(group.get() << 1 | 1)),
            None => conversation.other(user).map(|other| Self(other.get() << 1)),
        }
    }
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
    pub(crate) const fn new(user: UserId, capacity: usize) -> Self {
        Self {
            user,
            tracks: Vec::new(),
            capacity,
        }
    }

    pub(crate) fn get(&self, conversation: ConversationId) -> Option<Track> {
        let place = self.find(conversation)?.ok()?;
        self.tracks.get(place).map(|(_, track)| *track)
    }

    pub(crate) fn get_mut(&mut self, conversation: ConversationId) -> Option<&mut Track> {
        let place = self.find(conversation)?.ok()?;
        self.tracks.get_mut(place).map(|(_, track)| track)
    }

    /// Whether there is room for a conversation without news.
    pub(crate) const fn has_room(&self) -> bool {
        self.tracks.len() < self.capacity
    }

    /// Takes in what the store says. A position that is known to be further stays where it is. Of a
    /// conversation between others nothing is kept.
    pub(crate) fn learn(&mut self, conversation: ConversationId, acked: Seq, head: Seq) -> Track {
        let mut track = self.get(conversation).unwrap_or_default();
        track.acked = track.acked.max(acked);
        track.delivered = track.delivered.max(acked);
        track.head = track.head.max(head).max(track.delivered);
        match self.get_mut(conversation) {
            Some(known) => *known = track,
            None => self.insert(conversation, track),
        }
        track
    }

    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        if let Some(Ok(place)) = self.find(conversation) {
            self.tracks.remove(place);
        }
    }

    /// Whether everything up to `seq` was delivered.
    pub(crate) fn is_delivered(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.get(conversation).is_some_and(|track| track.delivered >= seq)
    }

    /// Acknowledges all up to `seq`, where it is known that there is such a message.
    pub(crate) fn acknowledge(&mut self, conversation: ConversationId, seq: Seq) -> AckCheck {
        match self.get_mut(conversation) {
            Some(track) if seq <= track.acked => AckCheck::Known,
            Some(track) if seq <= track.head => {
                track.acked = seq;
                AckCheck::Advances
            }
            _ => AckCheck::AskStore,
        }
    }

    /// Where a conversation stands, or where it would have to; `None` for one between others.
    fn find(&self, conversation: ConversationId) -> Option<Result<usize, usize>> {
        let key = Key::of(conversation, self.user)?;
        Some(self.tracks.binary_search_by_key(&key, |(key, _)| *key))
    }

    fn insert(&mut self, conversation: ConversationId, track: Track) {
        self.make_room();
        let Some(key) = Key::of(conversation, self.user) else {
            return;
        };
        if self.tracks.len() == self.tracks.capacity() {
            // An eighth more, instead of twice as much.
            self.tracks.reserve_exact(self.tracks.len() / 8 + 2);
        }
        let place = self.tracks.partition_point(|(other, _)| *other < key);
        self.tracks.insert(place, (key, track));
    }

    /// Beyond the capacity, forgets conversations whose position can be had from the store again:
    /// those in which everything delivered is acknowledged and nothing is due.
    fn make_room(&mut self) {
        if self.tracks.len() < self.capacity {
            return;
        }
        let keep = self.capacity / 2;
        let mut surplus = self.tracks.len().saturating_sub(keep);
        self.tracks.retain(|(_, track)| {
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

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn seq(value: u64) -> Seq {
        Seq::new(value).unwrap()
    }

    #[test]
    fn only_what_exists_is_acknowledged_without_asking() {
        let mut positions = Positions::new(user(1), 10);
        positions.learn(group(1), seq(2), seq(5));
        assert_eq!(positions.acknowledge(group(1), seq(2)), AckCheck::Known);
        assert_eq!(positions.acknowledge(group(1), seq(5)), AckCheck::Advances);
        assert_eq!(positions.acknowledge(group(1), seq(4)), AckCheck::Known);
        assert_eq!(positions.acknowledge(group(1), seq(6)), AckCheck::AskStore);
        assert_eq!(positions.acknowledge(group(2), seq(1)), AckCheck::AskStore);
    }

    #[test]
    fn beyond_the_capacity_only_settled_conversations_are_forgotten() {
        let mut positions = Positions::new(user(1), 4);
        positions.learn(group(1), seq(0), seq(3));
        for id in 2..20 {
            positions.learn(group(id), seq(1), seq(1));
            assert!(positions.tracks.len() <= 4);
        }
        assert!(positions.get(group(1)).is_some());
    }

    #[test]
    fn what_the_store_says_never_moves_a_session_back() {
        let mut positions = Positions::new(user(1), 4);
        positions.learn(group(1), seq(7), seq(9));
        let track = positions.learn(group(1), seq(3), seq(4));
        assert_eq!(
            (track.delivered, track.acked, track.head),
            (seq(7), seq(7), seq(9))
        );
    }
    #[test]
    fn a_group_and_a_user_of_one_id_are_two_conversations_and_those_of_others_are_none() {
        let direct = |one, other| ConversationId::direct(user(one), user(other));
        let mut positions = Positions::new(user(2), 10);
        let all = [
            group(1),
            direct(2, 1),
            group(2),
            direct(2, 2),
            group(3),
            direct(2, 3),
        ];
        for (number, conversation) in (1..).zip(all) {
            positions.learn(conversation, seq(number), seq(number));
        }
        positions.learn(direct(1, 3), seq(9), seq(9));
        let known = all.map(|conversation| positions.get(conversation).map(|track| track.acked.get()));
        assert_eq!(known, [1, 2, 3, 4, 5, 6].map(Some));
        assert!(positions.get(direct(1, 3)).is_none());
        positions.forget(direct(2, 2));
        assert!(positions.get(direct(2, 2)).is_none() && positions.get(group(2)).is_some());
    }

    #[test]
    fn a_conversation_takes_no_more_than_forty_bytes() {
        let mut positions = Positions::new(user(1), 1_024);
        for id in 1..=1_000 {
            positions.learn(group(id), seq(1), seq(1));
        }
        let bytes = positions.tracks.capacity() * size_of::<(Key, Track)>();
        assert!(bytes <= 40 * 1_000, "{bytes}");
    }
}
