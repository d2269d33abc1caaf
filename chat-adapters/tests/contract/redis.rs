//! Redis and Redis Cluster: every case under a prefix of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chat_adapters::redis::{RedisBus, RedisOptions, RedisPresence};
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::ports::{Bus, Presence};

const SINGLE: &str = "CHAT_TEST_REDIS_URL";
const CLUSTER: &str = "CHAT_TEST_REDIS_CLUSTER_URL";

/// A prefix of keys and channels, on the Redis that the variable names. The keys expire.
struct Prefix<P> {
    variable: &'static str,
    prefix: String,
    open: fn(RedisOptions) -> P,
}

impl<P> Prefix<P> {
    fn new(variable: &'static str, open: fn(RedisOptions) -> P) -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let (process, case) = (std::process::id(), CASES.fetch_add(1, Ordering::Relaxed));
        Self {
            variable,
            prefix: format!("contract-{process}-{case}"),
            open,
        }
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Fixture for Prefix<P> {
    type Port = P;

    async fn open(&self) -> Result<P, BackendError> {
        let url = std::env::var(self.variable).unwrap_or_default();
        let options =
            RedisOptions::parse(&url).map_err(|error| BackendError::broken(self.variable).because(error))?;
        Ok((self.open)(RedisOptions {
            prefix: self.prefix.clone(),
            ..options
        }))
    }

    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        let is_set = std::env::var(self.variable).is_ok_and(|url| !url.is_empty());
        (!is_set).then(|| format!("{} is not set", self.variable))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: false,
            crosses_processes: true,
        }
    }
}

fn bus(options: RedisOptions) -> Arc<dyn Bus> {
    Arc::new(RedisBus::new(options))
}

fn presence(options: RedisOptions) -> Arc<dyn Presence> {
    Arc::new(RedisPresence::new(options))
}

pub(crate) fn trials() -> Vec<Trial> {
    let suites = [
        contract::bus("redis", || Prefix::new(SINGLE, bus)),
        contract::presence("redis", || Prefix::new(SINGLE, presence)),
        contract::bus("redis_cluster", || Prefix::new(CLUSTER, bus)),
        contract::presence("redis_cluster", || Prefix::new(CLUSTER, presence)),
    ];
    suites.into_iter().flatten().collect()
}
