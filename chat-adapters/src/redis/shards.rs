//! Where a user's leases are kept: keys, and users by shard.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::types::UserId;

use super::slots::slot_of;

/// Users are spread over this many pairs of keys. It is part of the format: nodes of one cluster
/// must agree on it.
const SHARDS: u64 = 64;

/// The keys of a shard: `leases` is a hash from a user to `END NODE;END NODE;…`, `ends` a sorted
/// set of users by the latest end. Both have one hash tag, so that a script may use them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) leases: String,
    pub(super) ends: String,
    pub(super) slot: u16,
}

impl Shard {
    fn new(prefix: &str, number: u64) -> Self {
        let leases = format!("{{{prefix}:p:{number:02}}}:leases");
        let slot = slot_of(&leases);
        let ends = format!("{{{prefix}:p:{number:02}}}:ends");
        Self { leases, ends, slot }
    }

    pub(super) fn all(prefix: &str) -> impl Iterator<Item = Self> {
        (0..SHARDS).map(move |number| Self::new(prefix, number))
    }
}

/// Users by shard, each once, at most `at_once` in a part.
pub(super) fn by_shard(prefix: &str, users: &[UserId], at_once: usize) -> Vec<(Shard, Vec<UserId>)> {
    let mut shards: BTreeMap<u64, BTreeSet<UserId>> = BTreeMap::new();
    for user in users {
        shards.entry(user.get() % SHARDS).or_default().insert(*user);
    }
    let mut parts = Vec::new();
    for (number, users) in shards {
        let users: Vec<_> = users.into_iter().collect();
        let chunks = users.chunks(at_once.max(1));
        parts.extend(chunks.map(|users| (Shard::new(prefix, number), users.to_vec())));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_in_one_part_of_its_shard_once() {
        let users: Vec<_> = [1, 65, 2, 1, 129, 66].map(|id| UserId::new(id).unwrap()).to_vec();
        let parts = by_shard("chat", &users, 2);
        let plain: Vec<_> = parts
            .iter()
            .map(|(shard, users)| {
                let users: Vec<_> = users.iter().map(|user| user.get()).collect();
                (shard.leases.as_str(), users)
            })
            .collect();
        let expected = [
            ("{chat:p:01}:leases", vec![1, 65]),
            ("{chat:p:01}:leases", vec![129]),
            ("{chat:p:02}:leases", vec![2, 66]),
        ];
        assert_eq!(plain, expected);
    }

    #[test]
    fn both_keys_of_a_shard_are_in_its_slot_and_the_shards_spread() {
        let slots: BTreeSet<_> = Shard::all("chat")
            .map(|shard| {
                assert_eq!(slot_of(&shard.ends), shard.slot);
                shard.slot
            })
            .collect();
        assert_eq!(slots.len(), 64);
        // A third of the slots each, as a cluster of three has them.
        for third in 0..3_u16 {
            let range = third * 5_461..(third + 1) * 5_461;
            assert!(slots.range(range).count() >= 10, "{slots:?}");
        }
    }
}
