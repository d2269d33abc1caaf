//! Presence as leases in Redis.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::Presence;
use chat_core::types::{NodeId, UserId};
use chat_core::{BackendError, Timestamp};

use super::RedisOptions;

/// [`Presence`] as leases in Redis.
#[derive(Debug)]
pub struct RedisPresence {
    options: RedisOptions,
}

impl RedisPresence {
    /// Makes a handle; it connects when it is used.
    pub const fn new(options: RedisOptions) -> Self {
        Self { options }
    }

    /// Ends all connections, and waits until they have ended.
    pub async fn close(&self) {}

    fn away(&self) -> BackendError {
        BackendError::not_done(format!("presence at {:?} is not connected", self.options.servers))
    }
}

#[async_trait]
impl Presence for RedisPresence {
    async fn renew(
        &self,
        _: &NodeId,
        _: &[UserId],
        _: Timestamp,
        _: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        Err(self.away())
    }

    async fn release(&self, _: &NodeId, _: &[UserId], _: Timestamp) -> Result<Vec<UserId>, BackendError> {
        Err(self.away())
    }

    async fn online(&self, _: &[UserId], _: Timestamp) -> Result<Vec<bool>, BackendError> {
        Err(self.away())
    }

    async fn sweep(&self, _: Timestamp, _: usize) -> Result<Vec<UserId>, BackendError> {
        Err(self.away())
    }
}
