//! What is known of each backend, for those who call them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_core::ports::Peer;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::choice::choose;
use super::load::Load;

/// How long a call that failed waits for another backend, before it takes the same one again.
const FOR_ANOTHER: Duration = Duration::from_millis(100);

/// A connection to a backend.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Tells it from all others of this process's life.
    pub(super) number: u64,
    pub(super) channel: Channel,
    /// Cancelled when the connection broke, and with it what is under way there.
    pub(super) lost: CancellationToken,
}

/// How a backend stands.
#[derive(Clone, Debug)]
pub(super) enum State {
    Away,
    /// It is connected, and says that it should get no calls: it ends, or its store is away.
    NotServing(Connection),
    Serving(Connection),
}

/// A backend of the registry's set.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) peer: Arc<Peer>,
    load: Arc<Load>,
    state: State,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) peer: Arc<Peer>,
    pub(super) load: Arc<Load>,
    pub(super) connection: Connection,
}

/// The backends. Written by who watches them, read by each call.
#[derive(Debug)]
pub(super) struct Board {
    entries: watch::Sender<Vec<Entry>>,
    random: Mutex<fastrand::Rng>,
}

impl Board {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self {
            entries: watch::Sender::new(Vec::new()),
            random: Mutex::new(random),
        }
    }

    /// Makes a backend known, away at first.
    pub(super) fn add(&self, peer: Arc<Peer>) {
        let entry = Entry {
            peer,
            load: Arc::new(Load::new()),
            state: State::Away,
        };
        self.entries.send_modify(|entries| entries.push(entry));
    }

    /// Gives a backend no further call; those under way end by themselves.
    pub(super) fn remove(&self, peer: &Peer) {
        self.entries
            .send_modify(|entries| entries.retain(|entry| *entry.peer != *peer));
    }

    /// Says how a backend stands. One that is not known any more is passed over.
    pub(super) fn set(&self, peer: &Peer, state: State) {
        self.entries.send_modify(|entries| {
            let entry = entries.iter_mut().find(|entry| *entry.peer == *peer);
            if let Some(entry) = entry {
                if matches!(entry.state, State::Away) {
                    entry.load.forget();
                }
                entry.state = state;
            }
        });
    }

    /// Waits until a backend is serving. Cancel safe.
    pub(super) async fn serving(&self) {
        let is_serving = |entry: &Entry| matches!(entry.state, State::Serving(_));
        let mut entries = self.entries.subscribe();
        let waited = entries.wait_for(|entries| entries.iter().any(is_serving)).await;
        // The sender lives as long as `self`.
        debug_assert!(waited.is_ok());
    }

    /// Waits for a backend that can be called: a serving one where there is one. Cancel safe.
    ///
    /// `failed` is the connection of an attempt that failed. It is taken again only where no other comes soon.
    pub(super) async fn next(&self, mut failed: Option<u64>) -> Chosen {
        let patience = Instant::now() + FOR_ANOTHER;
        let mut entries = self.entries.subscribe();
        loop {
            if let Some(chosen) = self.pick(&entries.borrow_and_update(), failed) {
                return chosen;
            }
            // Both branches are cancel-safe; what changed meanwhile is looked at above.
            tokio::select! {
                _ = entries.changed() => {}
                () = sleep_until(patience), if failed.is_some() => failed = None,
            }
        }
    }

    fn pick(&self, entries: &[Entry], failed: Option<u64>) -> Option<Chosen> {
        let other = |connection: &Connection| Some(connection.number) != failed;
        let serving = |entry: &Entry| matches!(&entry.state, State::Serving(on) if other(on));
        let connected = |entry: &Entry| matches!(&entry.state, State::NotServing(on) if other(on));
        let eligible: Vec<_> = entries.iter().filter(|entry| serving(entry)).collect();
        let eligible = if eligible.is_empty() {
            entries.iter().filter(|entry| connected(entry)).collect()
        } else {
            eligible
        };
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = choose(&eligible, |entry| entry.load.cost(), &mut random)?;
        match &entry.state {
            State::Away => None,
            State::NotServing(connection) | State::Serving(connection) => Some(Chosen {
                peer: Arc::clone(&entry.peer),
                load: Arc::clone(&entry.load),
                connection: connection.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
