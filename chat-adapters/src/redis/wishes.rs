//! What a subscription wants to hear, and how far its task has come with that.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::ports::Topic;
use tokio::sync::{Notify, watch};

use super::channels::{Channels, Number};
use super::error::CallError;

/// What a subscription wants to hear, and how far its task has come with that.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) channels: Arc<Channels>,
    topics: Mutex<Topics>,
    pub(super) changed: Notify,
    pub(super) progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Topics {
    wanted: HashSet<Topic>,
    /// How many topics are wanted of each channel.
    counts: HashMap<Number, usize>,
    /// Channels of which the first topic came or the last one went since the task took them.
    changed: HashSet<Number>,
    /// Counts the calls.
    version: u64,
    /// Whether a gap follows once all that is wanted is heard.
    gap_due: bool,
}

/// Up to which call the task has dealt with, and what is in its way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) version: u64,
    pub(super) failure: Option<CallError>,
}

/// What the task has to deal with.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) version: u64,
    pub(super) wanted: Vec<Number>,
    pub(super) unwanted: Vec<Number>,
}

impl Wishes {
    pub(super) fn new(channels: Arc<Channels>) -> Self {
        Self {
            channels,
            topics: Mutex::default(),
            changed: Notify::new(),
            progress: watch::Sender::default(),
        }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds topics. One that changes nothing still waits for its turn, because an earlier call may not have been
    /// fulfilled yet: answers which call the task has to deal with.
    pub(super) fn add(&self, topics: &[Topic]) -> u64 {
        let mut state = self.topics();
        for topic in topics {
            if state.wanted.insert(*topic) {
                let channel = self.channels.of(*topic);
                let count = state.counts.entry(channel).or_default();
                *count += 1;
                if *count == 1 {
                    state.changed.insert(channel);
                }
            }
        }
        self.called(state)
    }

    /// Removes topics; answers which call the task has to deal with.
    pub(super) fn remove(&self, topics: &[Topic]) -> u64 {
        let mut state = self.topics();
        for topic in topics {
            if state.wanted.remove(topic) {
                let channel = self.channels.of(*topic);
                let count = state.counts.entry(channel).or_default();
                *count = count.saturating_sub(1);
                if *count == 0 {
                    state.counts.remove(&channel);
                    state.changed.insert(channel);
                }
            }
        }
        self.called(state)
    }

    fn called(&self, mut state: MutexGuard<'_, Topics>) -> u64 {
        state.version += 1;
        let version = state.version;
        drop(state);
        self.changed.notify_one();
        version
    }

    /// Those of some topics that are wanted.
    pub(super) fn of(&self, topics: impl Iterator<Item = Topic>) -> impl Iterator<Item = Topic> {
        topics.filter(|topic| self.topics().wanted.contains(topic))
    }

    /// Takes what has changed since the last time.
    pub(super) fn take(&self) -> Changes {
        let mut state = self.topics();
        let changed = std::mem::take(&mut state.changed);
        let (wanted, unwanted) = changed
            .into_iter()
            .partition(|channel| state.counts.contains_key(channel));
        Changes {
            version: state.version,
            wanted,
            unwanted,
        }
    }

    /// Sees to a gap, once everything wanted is heard.
    pub(super) fn owe_gap(&self) {
        self.topics().gap_due = true;
        self.changed.notify_one();
    }

    /// Whether a gap is due now that everything wanted is heard.
    pub(super) fn take_gap_due(&self) -> bool {
        std::mem::take(&mut self.topics().gap_due)
    }

    /// Tells the callers how far the task has come.
    pub(super) fn report(&self, version: u64, failure: Option<CallError>) {
        self.progress.send_replace(Progress { version, failure });
    }
}

#[cfg(test)]
mod tests {
    use chat_core::types::UserId;

    use super::*;

    fn user(id: u64) -> Topic {
        Topic::User(UserId::new(id).unwrap())
    }

    #[test]
    fn a_channel_is_wanted_while_any_of_its_topics_is() {
        let wishes = Wishes::new(Arc::new(Channels::new("chat", 1)));
        let taken = || {
            let changes = wishes.take();
            (changes.version, changes.wanted, changes.unwanted)
        };
        wishes.add(&[user(1), user(2), user(1)]);
        assert_eq!(taken(), (1, vec![0], vec![]));
        wishes.add(&[user(1), user(3)]);
        assert_eq!(taken(), (2, vec![], vec![]));
        wishes.remove(&[user(1), user(2), user(9)]);
        assert_eq!(taken(), (3, vec![], vec![]));
        wishes.remove(&[user(3)]);
        assert_eq!(taken(), (4, vec![], vec![0]));
        wishes.add(&[user(4)]);
        wishes.remove(&[user(4)]);
        assert_eq!(taken(), (6, vec![], vec![0]));
    }

    #[test]
    fn only_topics_that_were_added_are_wanted() {
        let wishes = Wishes::new(Arc::new(Channels::new("chat", 1)));
        wishes.add(&[user(1), user(3)]);
        wishes.remove(&[user(3)]);
        let topics = [user(1), user(2), user(3)].into_iter();
        assert_eq!(wishes.of(topics).collect::<Vec<_>>(), [user(1)]);
    }
}
