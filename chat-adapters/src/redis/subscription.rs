//! A node's subscription: what it wants to hear, and what it has heard.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{BusItem, BusSubscription, Topic};
use chat_core::types::NodeId;
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use super::channels::Channels;
use super::error::{CallError, Sent};
use super::inbox::Inbox;
use super::receiver::SkipLog;
use super::servers::Servers;
use super::subscriber::Subscriber;
use super::wishes::Wishes;

/// A subscription to a [`RedisBus`](super::RedisBus).
#[derive(Debug)]
pub(super) struct RedisSubscription {
    wishes: Arc<Wishes>,
    inbox: Arc<Inbox>,
    servers: Arc<Servers>,
    _end: DropGuard,
}

impl RedisSubscription {
    /// Starts the task that fulfils the wishes.
    pub(super) fn start(
        servers: Arc<Servers>,
        channels: Arc<Channels>,
        skip_log: Arc<SkipLog>,
        node: NodeId,
        capacity: usize,
    ) -> Self {
        let end = servers.connector.stop.child_token();
        let (wishes, inbox) = (Arc::new(Wishes::new(channels)), Arc::new(Inbox::new(capacity)));
        let subscriber = Subscriber::new(
            node,
            Arc::clone(&servers),
            Arc::clone(&wishes),
            Arc::clone(&inbox),
            skip_log,
            end.clone(),
        );
        servers.connector.tasks.spawn(subscriber.run());
        Self {
            wishes,
            inbox,
            servers,
            _end: end.drop_guard(),
        }
    }

    /// Waits until the task has dealt with a wish; fails where it could not be fulfilled yet.
    async fn fulfilled(&self, version: u64) -> Result<(), CallError> {
        let mut progress = self.wishes.progress.subscribe();
        let limit = self.servers.connector.options.call_timeout;
        let dealt_with = progress.wait_for(|progress| progress.version >= version);
        let stop = &self.servers.connector.stop;
        match timeout(limit, stop.run_until_cancelled(dealt_with)).await {
            Ok(Some(Ok(progress))) => match &progress.failure {
                Some(error) => Err(error.clone()),
                None => Ok(()),
            },
            Ok(Some(Err(_)) | None) => Err(CallError::away("the bus", "it is closed")),
            Err(_) => Err(CallError::away(
                "the bus",
                format!("it took longer than {limit:?}"),
            )),
        }
    }
}

#[async_trait]
impl BusSubscription for RedisSubscription {
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError> {
        if topics.is_empty() {
            return Ok(());
        }
        let unanswered = Unanswered(self);
        let version = self.wishes.add(topics);
        let answer = self.fulfilled(version).await;
        if answer.is_ok() {
            std::mem::forget(unanswered);
        }
        answer.map_err(|error| error.into_backend("cannot subscribe on Redis yet", Sent::Nothing))
    }

    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError> {
        if topics.is_empty() {
            return Ok(());
        }
        let version = self.wishes.remove(topics);
        // Where the bus is away nothing is heard of these topics either, and they stay removed.
        let _ = self.fulfilled(version).await;
        Ok(())
    }

    async fn next(&self, limit: usize) -> Vec<BusItem> {
        self.inbox.next(limit).await
    }
}

/// Sees to a gap for a caller who was not told from when on their topics are heard.
struct Unanswered<'a>(&'a RedisSubscription);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.wishes.owe_gap();
    }
}
