//! Presence in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::Presence;
use crate::types::{NodeId, UserId};

/// Leases in memory, shared by all nodes of one process.
///
/// ```
/// use std::time::Duration;
///
/// use chat_core::Timestamp;
/// use chat_core::memory::MemoryPresence;
/// use chat_core::ports::Presence;
/// use chat_core::types::{NodeId, UserId};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (presence, node) = (MemoryPresence::default(), NodeId::parse("n1")?);
/// let (alice, now) = (UserId::new(1)?, Timestamp::from_millis(1_000));
/// let came_online = presence.renew(&node, &[alice], now, Duration::from_secs(12)).await?;
/// assert_eq!(came_online, [alice]);
/// assert_eq!(presence.online(&[alice], now).await?, [true]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryPresence {
    users: Mutex<HashMap<UserId, Leases>>,
}

/// A user's leases, at most one a node. A user without any has no entry.
#[derive(Debug, Default)]
struct Leases(Vec<(NodeId, Timestamp)>);

impl Leases {
    fn is_online(&self, now: Timestamp) -> bool {
        self.0.iter().any(|(_, until)| *until > now)
    }

    /// Gives a node a lease, and forgets leases that have ended: this call makes or keeps the user
    /// online, so nobody needs to be told of them.
    fn renew(&mut self, node: &NodeId, now: Timestamp, ttl: Duration) {
        self.0.retain(|(holder, until)| holder != node && *until > now);
        // Nearly everybody is on one node.
        self.0.reserve_exact(1);
        self.0.push((node.clone(), now.after(ttl)));
    }
}

impl MemoryPresence {
    fn users(&self) -> MutexGuard<'_, HashMap<UserId, Leases>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Presence for MemoryPresence {
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        let mut all = self.users();
        let mut came_online = Vec::new();
        for user in users {
            let leases = all.entry(*user).or_default();
            if !leases.is_online(now) {
                came_online.push(*user);
            }
            leases.renew(node, now, ttl);
        }
        Ok(came_online)
    }

    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError> {
        let mut all = self.users();
        let mut went_offline = Vec::new();
        for user in users {
            let Some(leases) = all.get_mut(user).filter(|leases| leases.is_online(now)) else {
                // What has ended stays for `sweep`, which tells of it.
                continue;
            };
            leases.0.retain(|(holder, _)| holder != node);
            if !leases.is_online(now) {
                all.remove(user);
                went_offline.push(*user);
            }
        }
        Ok(went_offline)
    }

    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError> {
        let all = self.users();
        let is_online = |user| all.get(user).is_some_and(|leases| leases.is_online(now));
        Ok(users.iter().map(is_online).collect())
    }

    async fn count(&self, now: Timestamp) -> Result<usize, BackendError> {
        Ok(self
            .users()
            .values()
            .filter(|leases| leases.is_online(now))
            .count())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError> {
        let mut all = self.users();
        let ended = all.iter().filter(|(_, leases)| !leases.is_online(now));
        let went_offline: Vec<UserId> = ended.map(|(user, _)| *user).take(limit).collect();
        for user in &went_offline {
            all.remove(user);
        }
        Ok(went_offline)
    }
}
