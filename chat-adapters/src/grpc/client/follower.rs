//! Follows the registry: one watcher for each backend of its set.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat_core::chain;
use chat_core::ports::{Peer, Registry};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::connector::Connector;
use super::watcher::Watcher;
use super::{LONGEST_WAIT, RemoteOptions, SHORTEST_WAIT};
use crate::retry::Retry;

/// More backends than any cluster needs; further ones of the set are passed over.
const MAX_BACKENDS: usize = 1_024;

/// Keeps the board's backends those of the registry.
pub(super) struct Follower {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) board: Arc<Board>,
    pub(super) connector: Connector,
    pub(super) options: RemoteOptions,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Follower {
    /// Works until it is stopped. While the registry fails, the backends that are known stay.
    pub(super) async fn run(self) {
        let mut watched = BTreeMap::new();
        let mut told = Vec::new();
        let mut retry = Retry::new(SHORTEST_WAIT, LONGEST_WAIT);
        let mut failing = false;
        loop {
            match self.stop.run_until_cancelled(self.registry.changed(&told)).await {
                None => return,
                Some(Ok(peers)) => {
                    retry.works();
                    failing = false;
                    self.follow(&mut watched, &peers);
                    told = peers;
                }
                Some(Err(error)) => {
                    if !failing {
                        tracing::warn!(error = chain(&error), "the registry of backends fails");
                    }
                    failing = true;
                    let pause = sleep(retry.next_delay());
                    if self.stop.run_until_cancelled(pause).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// An empty set is not believed: a registry that lost everything says the same as one with nothing in it, and
    /// the backends that were there may well be there still. Those that are not are found by their connections.
    fn follow(&self, watched: &mut BTreeMap<Peer, DropGuard>, peers: &[Peer]) {
        if peers.is_empty() {
            tracing::warn!(
                known = watched.len(),
                "the registry knows no backends: those known before stay in use"
            );
            return;
        }
        if peers.len() > MAX_BACKENDS {
            tracing::warn!(
                count = peers.len(),
                limit = MAX_BACKENDS,
                "there are too many backends"
            );
        }
        let peers = peers.get(..MAX_BACKENDS).unwrap_or(peers);
        watched.retain(|peer, _| {
            let stays = peers.contains(peer);
            if !stays {
                tracing::info!(backend = %peer.node, "a backend has left");
                self.board.remove(peer);
            }
            stays
        });
        for peer in peers {
            watched.entry(peer.clone()).or_insert_with(|| self.watch(peer));
        }
    }

    fn watch(&self, peer: &Peer) -> DropGuard {
        tracing::info!(backend = %peer.node, address = peer.address, "a backend has come");
        let peer = Arc::new(peer.clone());
        self.board.add(Arc::clone(&peer));
        let watcher = Watcher {
            board: Arc::clone(&self.board),
            peer,
            connector: self.connector.clone(),
            options: self.options.clone(),
        };
        let end = self.stop.child_token();
        self.tasks.spawn(watcher.run(end.clone()));
        end.drop_guard()
    }
}
