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
    /// How far each was delivered, by ascending key.
    delivered: Vec<(Key, Seq)>,
    /// The rest of those that are not settled, by ascending key.
    unsettled: Vec<(Key, Unsettled)>,
    capacity: usize,
}

/// What is to be known beside how far a conversation was delivered, where it is not the same.
#[derive(Clone, Copy, Debug)]
struct Unsettled {
    acked: Seq,
    head: Seq,
}

impl Track {
    /// Whether everything is delivered and acknowledged, as nearly always.
    fn is_settled(&self) -> bool {
        self.acked == self.delivered && self.delivered == self.head
    }
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
            delivered: Vec::new(),
            unsettled: Vec::new(),
            capacity,
        }
    }

    pub(crate) fn get(&self, conversation: ConversationId) -> Option<Track> {
        self.track(Key::of(conversation, self.user)?)
    }

    /// Changes where a conversation stands, where it is known; answers what the change does.
    pub(crate) fn update<T>(
        &mut self,
        conversation: ConversationId,
        change: impl FnOnce(&mut Track) -> T,
    ) -> Option<T> {
        let key = Key::of(conversation, self.user)?;
        let mut track = self.track(key)?;
        let answer = change(&mut track);
        self.set(key, track);
        Some(answer)
    }

    /// Whether there is room for a conversation without news.
    pub(crate) const fn has_room(&self) -> bool {
        self.delivered.len() < self.capacity
    }

    /// Takes in what the store says. A position that is known to be further stays where it is. Of a
    /// conversation between others nothing is kept.
    pub(crate) fn learn(&mut self, conversation: ConversationId, acked: Seq, head: Seq) -> Track {
        let known = self.get(conversation);
        if known.is_none() {
            self.make_room();
        }
        let mut track = known.unwrap_or_default();
        track.acked = track.acked.max(acked);
        track.delivered = track.delivered.max(acked);
        track.head = track.head.max(head).max(track.delivered);
        if let Some(key) = Key::of(conversation, self.user) {
            self.set(key, track);
        }
        track
    }

    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        if let Some(key) = Key::of(conversation, self.user) {
            remove(&mut self.delivered, key);
            remove(&mut self.unsettled, key);
        }
    }

    /// Whether everything up to `seq` was delivered.
    pub(crate) fn is_delivered(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.get(conversation).is_some_and(|track| track.delivered >= seq)
    }

    /// Acknowledges all up to `seq`, where it is known that there is such a message.
    pub(crate) fn acknowledge(&mut self, conversation: ConversationId, seq: Seq) -> AckCheck {
        let checked = self.update(conversation, |track| {
            if seq <= track.acked {
                AckCheck::Known
            } else if seq <= track.head {
                track.acked = seq;
                AckCheck::Advances
            } else {
                AckCheck::AskStore
            }
        });
        checked.unwrap_or(AckCheck::AskStore)
    }

    fn track(&self, key: Key) -> Option<Track> {
        let delivered = get(&self.delivered, key)?;
        let Unsettled { acked, head } = get(&self.unsettled, key).unwrap_or(Unsettled {
            acked: delivered,
            head: delivered,
        });
        Some(Track {
            delivered,
            acked,
            head,
        })
    }

    fn set(&mut self, key: Key, track: Track) {
        put(&mut self.delivered, key, track.delivered);
        if track.is_settled() {
            remove(&mut self.unsettled, key);
        } else {
            let Track { acked, head, .. } = track;
            put(&mut self.unsettled, key, Unsettled { acked, head });
        }
    }

    /// Beyond the capacity, forgets conversations whose position can be had from the store again:
    /// those in which everything delivered is acknowledged and nothing is due.
    fn make_room(&mut self) {
        if self.delivered.len() < self.capacity {
            return;
        }
        let keep = self.capacity / 2;
        let mut surplus = self.delivered.len().saturating_sub(keep);
        let unsettled = &self.unsettled;
        self.delivered.retain(|(key, _)| {
            let forget = surplus > 0 && place(unsettled, *key).is_err();
            surplus -= usize::from(forget);
            !forget
        });
    }
}

// ---- lists by ascending key ----

/// Room that an empty list may keep.
const FEW: usize = 2;

fn place<T>(list: &[(Key, T)], key: Key) -> Result<usize, usize> {
    list.binary_search_by_key(&key, |(key, _)| *key)
}

fn get<T: Copy>(list: &[(Key, T)], key: Key) -> Option<T> {
    list.get(place(list, key).ok()?).map(|(_, value)| *value)
}

fn put<T>(list: &mut Vec<(Key, T)>, key: Key, value: T) {
    match place(list, key) {
        Ok(place) => {
            if let Some((_, known)) = list.get_mut(place) {
                *known = value;
            }
        }
        Err(place) => {
            if list.len() == list.capacity() {
                // An eighth more, instead of twice as much.
                list.reserve_exact(list.len() / 8 + 2);
            }
            list.insert(place, (key, value));
        }
    }
}

/// Removes an entry, where there is one. A list without any keeps room for what one message at a time needs.
fn remove<T>(list: &mut Vec<(Key, T)>, key: Key) {
    if let Ok(place) = place(list, key) {
        list.remove(place);
        if list.is_empty() && list.capacity() > FEW {
            *list = Vec::new();
        }
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
            assert!(positions.delivered.len() <= 4);
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
    fn a_settled_conversation_takes_no_more_than_twenty_bytes() {
        let mut positions = Positions::new(user(1), 1_024);
        for id in 1..=1_000 {
            positions.learn(group(id), seq(1), seq(3));
        }
        for id in 1..=1_000 {
            positions.update(group(id), |track| track.delivered = seq(3));
            assert_eq!(positions.acknowledge(group(id), seq(3)), AckCheck::Advances);
        }
        let bytes = positions.delivered.capacity() * size_of::<(Key, Seq)>();
        assert!(
            bytes <= 20 * 1_000 && positions.unsettled.capacity() <= FEW,
            "{bytes}"
        );
    }
}
