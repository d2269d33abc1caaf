//! A registry that is a list.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::error::BackendError;
use crate::ports::{Announcement, Peer, Registry};
use crate::types::NodeId;

/// The peers of a fixed list, and those that announce themselves within this process.
///
/// ```
/// use chat_core::memory::StaticRegistry;
/// use chat_core::ports::{Peer, Registry};
/// use chat_core::types::NodeId;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let peer = Peer { node: NodeId::parse("store-1")?, address: "127.0.0.1:7000".into() };
/// let registry = StaticRegistry::new([peer.clone()]);
/// assert_eq!(registry.changed(&[]).await?, [peer]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct StaticRegistry {
    peers: Arc<watch::Sender<Peers>>,
}

#[derive(Debug, Default)]
struct Peers {
    /// Counts announcements, so that one that was replaced withdraws nothing.
    announced: u64,
    alive: BTreeMap<NodeId, Entry>,
}

#[derive(Debug)]
struct Entry {
    announcement: u64,
    address: String,
}

impl StaticRegistry {
    /// A registry of these peers; of two with one name the later counts.
    pub fn new(peers: impl IntoIterator<Item = Peer>) -> Self {
        let mut all = Peers::default();
        for peer in peers {
            all.put(&peer);
        }
        Self {
            peers: Arc::new(watch::Sender::new(all)),
        }
    }
}

impl Peers {
    fn put(&mut self, peer: &Peer) -> u64 {
        self.announced += 1;
        let entry = Entry {
            announcement: self.announced,
            address: peer.address.clone(),
        };
        self.alive.insert(peer.node.clone(), entry);
        self.announced
    }

    fn differ_from(&self, known: &[Peer]) -> bool {
        let is_alive = |peer: &Peer| {
            let entry = self.alive.get(&peer.node);
            entry.is_some_and(|entry| entry.address == peer.address)
        };
        known.len() != self.alive.len() || !known.iter().all(is_alive)
    }

    fn to_vec(&self) -> Vec<Peer> {
        let alive = self.alive.iter();
        alive
            .map(|(node, entry)| Peer {
                node: node.clone(),
                address: entry.address.clone(),
            })
            .collect()
    }
}

#[async_trait]
impl Registry for StaticRegistry {
    async fn announce(&self, peer: &Peer) -> Result<Box<dyn Announcement>, BackendError> {
        let mut number = 0;
        self.peers.send_modify(|peers| number = peers.put(peer));
        Ok(Box::new(StaticAnnouncement {
            node: peer.node.clone(),
            number,
            peers: Arc::clone(&self.peers),
        }))
    }

    async fn changed(&self, known: &[Peer]) -> Result<Vec<Peer>, BackendError> {
        let mut peers = self.peers.subscribe();
        let changed = peers.wait_for(|peers| peers.differ_from(known)).await;
        changed
            .map(|peers| peers.to_vec())
            .map_err(|gone| BackendError::broken("the registry is gone").because(gone))
    }
}

#[derive(Debug)]
struct StaticAnnouncement {
    node: NodeId,
    number: u64,
    peers: Arc<watch::Sender<Peers>>,
}

impl StaticAnnouncement {
    fn remove(&self) {
        self.peers.send_if_modified(|peers| {
            let entry = peers.alive.get(&self.node);
            let own = entry.is_some_and(|entry| entry.announcement == self.number);
            if own {
                peers.alive.remove(&self.node);
            }
            own
        });
    }
}

#[async_trait]
impl Announcement for StaticAnnouncement {
    async fn withdraw(&self) -> Result<(), BackendError> {
        self.remove();
        Ok(())
    }
}

impl Drop for StaticAnnouncement {
    fn drop(&mut self) {
        self.remove();
    }
}
