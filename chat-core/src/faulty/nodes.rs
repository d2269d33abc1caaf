//! Presence, registry and event log, failing on command.

use std::time::Duration;

use async_trait::async_trait;

use super::Faulty;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{Announcement, EventLog, LogRecord, LogStatus, Peer, Presence, Registry};
use crate::types::{NodeId, UserId};

#[async_trait]
impl<P: Presence + ?Sized> Presence for Faulty<P> {
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        self.call("renew", self.inner.renew(node, users, now, ttl)).await
    }

    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError> {
        self.call("release", self.inner.release(node, users, now)).await
    }

    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError> {
        self.call("online", self.inner.online(users, now)).await
    }

    async fn count(&self, now: Timestamp) -> Result<usize, BackendError> {
        self.call("count", self.inner.count(now)).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.call("sweep", self.inner.sweep(now, limit)).await
    }
}

#[async_trait]
impl<P: Registry + ?Sized> Registry for Faulty<P> {
    async fn announce(&self, peer: &Peer) -> Result<Box<dyn Announcement>, BackendError> {
        self.call("announce", self.inner.announce(peer)).await
    }

    async fn changed(&self, known: &[Peer]) -> Result<Vec<Peer>, BackendError> {
        self.call("changed", self.inner.changed(known)).await
    }
}

/// Only `flush` can fail.
#[async_trait]
impl<P: EventLog + ?Sized> EventLog for Faulty<P> {
    fn append(&self, record: LogRecord) {
        self.inner.append(record);
    }

    fn status(&self) -> LogStatus {
        self.inner.status()
    }

    async fn flush(&self, deadline: Duration) -> Result<(), BackendError> {
        self.call("flush", self.inner.flush(deadline)).await
    }
}
