//! Sessions that are yet to be woken.

use std::sync::Arc;

use crate::session::SessionShared;

/// Sessions that were told something while a batch was worked off. Each is woken once, when this is dropped: its
/// task then finds everything at once, and writes it to its client at once.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Arc<SessionShared>>);

impl Wakes {
    /// Adds a session that says it has not been added yet.
    pub(crate) fn add(&mut self, session: &Arc<SessionShared>) {
        self.0.push(Arc::clone(session));
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.iter().for_each(|session| session.wake());
    }
}
