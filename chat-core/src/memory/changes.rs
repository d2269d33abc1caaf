//! When something last changed, found by time.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use foldhash::quality::RandomState;

use crate::clock::Timestamp;

/// The last change of each key. Asking for recent ones costs nothing for the others.
#[derive(Debug)]
pub(super) struct Changes<K> {
    /// Some keys hold what clients chose, but nobody sees a hash, and the seed is each process's own.
    last: HashMap<K, Timestamp, RandomState>,
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Changes<K> {
    fn default() -> Self {
        Self {
            last: HashMap::default(),
            by_time: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Changes<K> {
    /// Notes that a key changes now.
    pub(super) fn touch(&mut self, key: K, now: Timestamp) {
        let before = self.last.insert(key.clone(), now);
        if before == Some(now) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key.clone()));
        }
        self.by_time.insert((now, key));
    }

    /// Takes a key out, which is no more.
    pub(super) fn forget(&mut self, key: &K) {
        if let Some(at) = self.last.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }

    /// Keys that changed at or after `start`: ascending, those after `after`, at most `limit`.
    pub(super) fn since(&self, start: Timestamp, after: Option<&K>, limit: usize) -> Vec<K> {
        let mut keys: Vec<K> = self
            .by_time
            .iter()
            .rev()
            .take_while(|(at, _)| *at >= start)
            .map(|(_, key)| key)
            .filter(|key| after.is_none_or(|after| *key > after))
            .cloned()
            .collect();
        keys.sort_unstable();
        keys.truncate(limit);
        keys
    }
}
