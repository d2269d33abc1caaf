//! What this process announces, and how far it has come.

use std::collections::BTreeMap;

use chat_core::ports::Peer;
use chat_core::types::NodeId;

use super::error::CallError;

/// What shall be in ZooKeeper. Of several announcements of one name the latest counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Grows with each change.
    pub(super) revision: u64,
    announced: u64,
    announcements: Vec<Wish>,
}

/// One announcement.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Tells it from others of the same name.
    pub(super) number: u64,
    pub(super) peer: Peer,
    pub(super) progress: Progress,
}

/// How far an announcement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// Nothing was sent.
    Waiting,
    /// It was sent, once or more often.
    Sent,
    /// It was in ZooKeeper.
    Registered,
}

impl Wanted {
    /// Adds an announcement; answers its number.
    pub(super) fn add(&mut self, peer: &Peer) -> u64 {
        self.revision += 1;
        self.announced += 1;
        self.announcements.push(Wish {
            number: self.announced,
            peer: peer.clone(),
            progress: Progress::Waiting,
        });
        self.announced
    }

    /// Forgets an announcement; says whether it was there.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        let before = self.announcements.len();
        self.announcements.retain(|wish| wish.number != number);
        let removed = self.announcements.len() != before;
        self.revision += u64::from(removed);
        removed
    }

    /// Forgets what this announcement has replaced, so that it does not come back after it.
    pub(super) fn forget_replaced(&mut self, number: u64, node: &NodeId) {
        self.announcements
            .retain(|wish| wish.number >= number || wish.peer.node != *node);
    }

    pub(super) fn progress(&self, number: u64) -> Option<Progress> {
        let mut wishes = self.announcements.iter();
        wishes
            .find(|wish| wish.number == number)
            .map(|wish| wish.progress)
    }

    /// Notes how far an announcement has come; it never goes back.
    pub(super) fn advance(&mut self, number: u64, progress: Progress) {
        let mut wishes = self.announcements.iter_mut();
        if let Some(wish) = wishes.find(|wish| wish.number == number) {
            wish.progress = wish.progress.max(progress);
        }
    }

    /// The announcement that counts for each name.
    pub(super) fn latest(&self) -> BTreeMap<&NodeId, &Wish> {
        let wishes = self.announcements.iter();
        wishes.map(|wish| (&wish.peer.node, wish)).collect()
    }
}

/// What was brought to ZooKeeper.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    /// Everything wanted up to this revision was.
    pub(super) revision: u64,
    /// But for these, which ZooKeeper refuses.
    pub(super) refused: BTreeMap<NodeId, CallError>,
}
