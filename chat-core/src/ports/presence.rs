//! The port for who is online.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::types::{NodeId, UserId};

/// Leases that say which user is online on which node.
///
/// A user is online while at least one node holds a lease for them that has not ended. Every
/// change of that is reported exactly once over all nodes, by the call that brought it about.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Presence: std::fmt::Debug + Send + Sync + 'static {
    /// Takes or renews a node's leases until `now` + `ttl`; answers the users who came online by it.
    ///
    /// A user whose leases have all ended comes online anew, also where no sweep has told of the end.
    /// Safe to repeat; a repetition answers nobody.
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError>;

    /// Gives a node's leases back; answers the users who went offline by it, and not those whom
    /// another node still holds, or who were offline: a lease that has ended is left to `sweep`,
    /// which tells of it. Safe to repeat.
    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError>;

    /// Which of these users are online at `now`, in the order asked.
    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError>;

    /// How many users are online at `now`, each counted once, on however many nodes they are.
    async fn count(&self, now: Timestamp) -> Result<usize, BackendError>;

    /// Forgets leases that ended by `now`; answers the users, at most `limit`, who went offline by
    /// it. Each is answered to one caller only.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError>;
}
