//! Which channel carries which topic.

use chat_core::ports::Topic;

use super::slots::{SLOTS, slot_of};

/// A channel's place among those of a chat.
pub(super) type Number = u16;

/// The most channels that topics can be spread over.
pub(super) const MOST_CHANNELS: u16 = 4_096;
/// Labels that are tried for each channel, so that a prefix that decides the slot alone ends the search.
const TRIES: u32 = 64;

/// What follows the prefix in the names of channels.
const FAMILY: &str = "bus";

/// The channels of a chat. All its nodes must agree on their number, which is part of the names: nodes that do not
/// agree hear nothing of each other, and learn by pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channels {
    prefix: String,
    names: Vec<String>,
}

impl Channels {
    /// `PREFIX:bus:COUNT:LABEL`, with a label that puts each channel into its own part of the slots: the servers of a
    /// cluster, which have a range of them each, get equally many channels.
    pub(super) fn new(prefix: &str, count: u16) -> Self {
        let count = count.clamp(1, MOST_CHANNELS);
        let name = |label: u32| format!("{prefix}:{FAMILY}:{count}:{label}");
        let mut names = vec![None; usize::from(count)];
        let mut missing = names.len();
        for label in 0..TRIES * u32::from(count) {
            let name = name(label);
            let part = usize::from(slot_of(&name)) * names.len() / usize::from(SLOTS);
            if let Some(free) = names.get_mut(part).filter(|place| place.is_none()) {
                *free = Some(name);
                missing -= 1;
            }
            if missing == 0 {
                break;
            }
        }
        // Labels beyond those that were tried: in no certain slot, but names all the same.
        let spare = (TRIES * u32::from(count)..).map(name);
        let names = names.into_iter().zip(spare);
        Self {
            prefix: prefix.to_owned(),
            names: names.map(|(name, spare)| name.unwrap_or(spare)).collect(),
        }
    }

    /// The channel that carries a topic. The calculation is part of the format: nodes of all versions must agree on it.
    pub(super) fn of(&self, topic: Topic) -> Number {
        let (id, kind) = match topic {
            Topic::User(user) => (user.get(), 0),
            Topic::Group(group) => (group.get(), 1),
        };
        // Fibonacci hashing: ids that are given out in steps spread as well.
        let hash = (id << 1 | kind).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        u16::try_from(hash % self.names.len() as u64).unwrap_or(0)
    }

    pub(super) fn name(&self, channel: Number) -> &str {
        self.names.get(usize::from(channel)).map_or("", String::as_str)
    }

    /// A pattern for the names of this chat's channels, whatever their number.
    pub(super) fn family(&self) -> String {
        format!("{}:{FAMILY}:*", self.prefix)
    }

    /// Whether a name is that of a channel of nodes that spread their topics over another number.
    pub(super) fn is_foreign(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.prefix);
        let rest = rest.and_then(|rest| rest.strip_prefix(':')?.strip_prefix(FAMILY)?.strip_prefix(':'));
        let count = rest.and_then(|rest| rest.split_once(':')?.0.parse().ok());
        count.is_some_and(|count: usize| count != self.names.len())
    }

    /// The slot of a cluster that a channel is in.
    pub(super) fn slot(&self, channel: Number) -> u16 {
        slot_of(self.name(channel))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use chat_core::types::{GroupId, UserId};

    use super::*;

    fn user(id: u64) -> Topic {
        Topic::User(UserId::new(id).unwrap())
    }

    fn group(id: u64) -> Topic {
        Topic::Group(GroupId::new(id).unwrap())
    }

    #[test]
    fn names_and_places_are_those_that_other_versions_know() {
        let one = Channels::new("chat", 1);
        assert_eq!(
            (one.name(0), one.of(user(7)), one.of(group(7))),
            ("chat:bus:1:0", 0, 0)
        );
        let four = Channels::new("a:b", 4);
        let names: Vec<_> = (0..4).map(|channel| four.name(channel)).collect();
        assert_eq!(
            names,
            ["a:b:bus:4:0", "a:b:bus:4:1", "a:b:bus:4:2", "a:b:bus:4:3"]
        );
        let places: Vec<_> = (1..=4)
            .flat_map(|id| [four.of(user(id)), four.of(group(id))])
            .collect();
        assert_eq!(places, [2, 0, 1, 3, 0, 2, 3, 1]);
    }

    #[test]
    fn channels_of_another_number_are_told_from_those_of_others() {
        let channels = Channels::new("chat", 4);
        let foreign = [
            "chat:bus:4:9",
            "chat:bus:1:0",
            "chat:user:1",
            "chat:bus:x:0",
            "chat:bus",
            "cha:bus:1:0",
        ];
        assert_eq!(
            foreign.map(|name| channels.is_foreign(name)),
            [false, true, false, false, false, false]
        );
    }

    #[test]
    fn each_part_of_the_slots_has_one_channel() {
        for count in [1, 3, 16, 64, MOST_CHANNELS] {
            let channels = Channels::new("chat", count);
            let parts: BTreeSet<_> = (0..count)
                .map(|channel| u32::from(channels.slot(channel)) * u32::from(count) / u32::from(SLOTS))
                .collect();
            assert_eq!(parts.len(), usize::from(count));
        }
    }

    #[test]
    fn a_prefix_that_decides_the_slot_has_its_channels_too() {
        let channels = Channels::new("{chat}", 16);
        let names: BTreeSet<_> = (0..16).map(|channel| channels.name(channel)).collect();
        assert_eq!(names.len(), 16);
        assert!(!names.contains(""));
    }

    #[test]
    fn topics_spread_evenly_whatever_the_step_between_their_ids() {
        let channels = Channels::new("chat", 16);
        for step in [1, 2, 3, 16, 64, 1_000] {
            let mut topics: BTreeMap<Number, u32> = BTreeMap::new();
            for id in 1..=1_600 {
                *topics.entry(channels.of(user(id * step))).or_default() += 1;
                *topics.entry(channels.of(group(id * step))).or_default() += 1;
            }
            assert_eq!(topics.len(), 16, "step {step}");
            assert!(
                topics.values().all(|count| (100..300).contains(count)),
                "step {step}: {topics:?}"
            );
        }
    }
}
