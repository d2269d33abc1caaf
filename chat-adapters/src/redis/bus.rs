//! The bus on Redis' publish/subscribe.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{Bus, BusSubscription, Notice};
use chat_core::types::NodeId;

use super::RedisOptions;
use super::channels::Channels;
use super::error::Sent;
use super::meters::PUBLISHED;
use super::payload::{Payload, pack};
use super::receiver::SkipLog;
use super::servers::{Call, Servers};
use super::subscription::RedisSubscription;

/// Notices that are sent in one go; their answers are waited for before the next ones are sent.
const NOTICES_AT_ONCE: usize = 1_024;
/// Bytes of payload that are sent in one go, beyond the last notice.
const BYTES_AT_ONCE: usize = 1 << 20;

const CANNOT_PUBLISH: &str = "cannot publish on Redis";

/// A [`Bus`] on Redis' publish/subscribe, or on the sharded one of a Redis Cluster.
///
/// Topics are spread over a few channels, and notices that are published together are one message on each channel that
/// they need, whatever the number of their receivers. Each subscription has a connection of its own (in a cluster, one to
/// each server), and publishing has another. Dropping the bus ends them all.
#[derive(Debug)]
pub struct RedisBus {
    servers: Arc<Servers>,
    channels: Arc<Channels>,
    skip_log: Arc<SkipLog>,
}

impl RedisBus {
    /// Makes a bus. It connects once it is used, in the background, and again whenever it must.
    pub fn new(options: RedisOptions) -> Self {
        Self {
            channels: Arc::new(Channels::new(&options.prefix, options.channels)),
            servers: Arc::new(Servers::new(options)),
            skip_log: Arc::default(),
        }
    }

    /// Ends all subscriptions and connections, and waits until they have ended.
    pub async fn close(&self) {
        self.servers.connector.close().await;
    }

    async fn publish_at_once(&self, notices: &[Notice], before: Sent) -> Result<(), BackendError> {
        let connector = &self.servers.connector;
        let publish = if connector.is_cluster() {
            "SPUBLISH"
        } else {
            "PUBLISH"
        };
        let calls = pack(notices, &self.channels).into_iter();
        let calls = calls.map(|Payload { channel, bytes }| {
            let mut command = redis::cmd(publish);
            command.arg(self.channels.name(channel)).arg(bytes);
            Call {
                slot: self.channels.slot(channel),
                command,
            }
        });
        let calls: Vec<_> = calls.collect();
        let answers = self.servers.call(&calls).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        PUBLISHED.count(&[]).increment(done as u64);
        let sent = if done > 0 { Sent::Partly } else { before };
        match answers.into_iter().find_map(Result::err) {
            Some(error) => Err(error.into_backend(CANNOT_PUBLISH, sent)),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, notices: &[Notice]) -> Result<(), BackendError> {
        let mut before = Sent::Nothing;
        let mut rest = notices;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(at_once(rest));
            self.publish_at_once(now, before).await?;
            (before, rest) = (Sent::Partly, later);
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        node: &NodeId,
        capacity: usize,
    ) -> Result<Box<dyn BusSubscription>, BackendError> {
        if self.servers.connector.stop.is_cancelled() {
            return Err(BackendError::not_done("the bus is closed"));
        }
        let subscription = RedisSubscription::start(
            Arc::clone(&self.servers),
            Arc::clone(&self.channels),
            Arc::clone(&self.skip_log),
            node.clone(),
            capacity,
        );
        Ok(Box::new(subscription))
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.servers.connector.stop.cancel();
    }
}

/// How many of these notices are sent in one go; at least one.
fn at_once(notices: &[Notice]) -> usize {
    let mut bytes = 0;
    let fits = |notice: &&Notice| {
        let fits = bytes < BYTES_AT_ONCE;
        bytes += frame_length(notice);
        fits
    };
    notices.iter().take(NOTICES_AT_ONCE).take_while(fits).count()
}

fn frame_length(notice: &Notice) -> usize {
    use chat_core::ports::NoticeKind::{Event, Message};
    match &notice.kind {
        Message { frame, .. } | Event { frame } => frame.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chat_core::ports::{NoticeKind, Topic};
    use chat_core::types::{NodeId, UserId};

    use super::*;

    fn notices(count: usize, frame: usize) -> Vec<Notice> {
        let notice = Notice {
            topic: Topic::User(UserId::new(1).unwrap()),
            origin: NodeId::parse("n1").unwrap(),
            kind: NoticeKind::Event {
                frame: Bytes::from(vec![b'x'; frame]),
            },
        };
        vec![notice; count]
    }

    #[test]
    fn what_is_sent_in_one_go_is_bounded_by_number_and_by_size() {
        assert_eq!(at_once(&notices(3, 100)), 3);
        assert_eq!(at_once(&notices(10_000, 100)), NOTICES_AT_ONCE);
        assert_eq!(at_once(&notices(100, 65_536)), 16);
        assert_eq!(at_once(&notices(2, 2 * BYTES_AT_ONCE)), 1);
    }
}
