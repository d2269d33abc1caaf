//! What must be done so that ZooKeeper holds what is wanted.

use chat_core::types::NodeId;

use super::entry::{Entry, file_name};
use super::session::Listing;
use super::wanted::{Progress, Wanted, Wish};

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The numbers of the announcements that are there by this session.
    pub(super) registered: Vec<u64>,
    /// Whether an announcement was there once, and another process has replaced it.
    pub(super) replaced: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Write this in place of what is listed under its name.
    Register {
        number: u64,
        node: NodeId,
        name: String,
        entry: Entry,
    },
    /// Remove what is listed under this name.
    Remove { node: NodeId, name: String },
}

impl Step {
    pub(super) fn node(&self) -> &NodeId {
        match self {
            Self::Register { node, .. } | Self::Remove { node, .. } => node,
        }
    }
}

impl Plan {
    /// Compares what is wanted with what is listed. `announcer` is this registry.
    pub(super) fn new(wanted: &Wanted, listing: &Listing, announcer: &NodeId) -> Self {
        let mut plan = Self::default();
        let latest = wanted.latest();
        for wish in latest.values() {
            plan.look_after(wish, listing, announcer);
        }
        for (name, node) in &listing.nodes {
            let own = node.entry.as_ref().filter(|entry| entry.is_by(announcer));
            if let Some(entry) = own.filter(|entry| !latest.contains_key(entry.node())) {
                plan.steps.push(Step::Remove {
                    node: entry.node().clone(),
                    name: name.clone(),
                });
            }
        }
        plan
    }

    fn look_after(&mut self, wish: &Wish, listing: &Listing, announcer: &NodeId) {
        let entry = Entry::new(&wish.peer, announcer);
        let name = file_name(&wish.peer.node);
        if let Some(listed) = listing.nodes.get(&name) {
            let listed_entry = listed.entry.as_ref();
            if listed_entry == Some(&entry) && listed.is_of_this_session {
                self.registered.push(wish.number);
                return;
            }
            // The first time it takes the place of whatever is there, such as what a process of this name has left
            // behind that was killed. Later another process must have done so on purpose.
            let is_own = listed_entry.is_some_and(|entry| entry.is_by(announcer));
            if wish.progress == Progress::Registered && !is_own {
                self.replaced = true;
                return;
            }
        }
        self.steps.push(Step::Register {
            number: wish.number,
            node: wish.peer.node.clone(),
            name,
            entry,
        });
    }
}
