//! The port for finding backend services.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::BackendError;
use crate::types::NodeId;

/// A live peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub node: NodeId,
    /// Where to reach it, as the adapter that calls it understands addresses.
    pub address: String,
}

/// Tells which peers are alive.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Makes a peer known until the announcement is withdrawn or its process ends.
    ///
    /// Announcing one node name again replaces its address.
    async fn announce(&self, peer: &Peer) -> Result<Box<dyn Announcement>, BackendError>;

    /// Waits until the set of live peers differs from `known`, and answers it whole, sorted.
    ///
    /// While the registry is away it keeps waiting: the last known set stays in use. Cancel safe.
    async fn changed(&self, known: &[Peer]) -> Result<Vec<Peer>, BackendError>;
}

/// Keeps a peer known. Dropping it withdraws the peer in time; [`withdraw`](Self::withdraw) at once.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Announcement: fmt::Debug + Send + Sync + 'static {
    /// Makes the peer unknown; when it answers, nobody learns of it any more. Safe to repeat.
    async fn withdraw(&self) -> Result<(), BackendError>;
}
