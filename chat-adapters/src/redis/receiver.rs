//! What a subscription's connection brings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio_util::sync::CancellationToken;

use super::codec::{Skipped, decode, topic};
use super::inbox::Inbox;
use super::meters::{RECEIVED, SKIPPED};

/// Counts what is skipped, and tells of the first only: there may be many while nodes of two
/// versions run together.
#[derive(Debug, Default)]
pub(super) struct SkipLog(AtomicBool);

impl SkipLog {
    fn skipped(&self, why: Skipped) {
        SKIPPED.count(&[why.name()]).increment(1);
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!("a notice on the bus was skipped, and further ones will be without a word: {why}");
        }
    }
}

/// Takes what one connection of a subscription brings. Never waits: it runs where the connection
/// is read.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) prefix: String,
    pub(super) inbox: Arc<Inbox>,
    pub(super) skip_log: Arc<SkipLog>,
    /// Ends the connection.
    pub(super) end: CancellationToken,
    /// Counts what came: a connection that brings something is not stalled.
    signs_of_life: AtomicU64,
    /// Confirmations of `SUNSUBSCRIBE` that were asked for and are still to come.
    unsubscribing: AtomicUsize,
}

impl Receiver {
    pub(super) fn new(
        prefix: String,
        inbox: Arc<Inbox>,
        skip_log: Arc<SkipLog>,
        end: CancellationToken,
    ) -> Self {
        Self {
            prefix,
            inbox,
            skip_log,
            end,
            signs_of_life: AtomicU64::new(0),
            unsubscribing: AtomicUsize::new(0),
        }
    }

    pub(super) fn signs_of_life(&self) -> u64 {
        self.signs_of_life.load(Ordering::Relaxed)
    }

    /// Announces that this many shard channels are about to be left.
    pub(super) fn will_unsubscribe(&self, channels: usize) {
        self.unsubscribing.fetch_add(channels, Ordering::AcqRel);
    }

    fn receive(&self, data: Vec<Value>) {
        let mut data = data.into_iter();
        let (Some(Value::BulkString(channel)), Some(Value::BulkString(payload))) = (data.next(), data.next())
        else {
            return;
        };
        RECEIVED.count(&[]).increment(1);
        let topic = topic(&self.prefix, &channel).ok_or(Skipped::Malformed);
        match topic.and_then(|topic| decode(topic, Bytes::from(payload))) {
            Ok(notice) => self.inbox.push(notice),
            Err(why) => self.skip_log.skipped(why),
        }
    }

    /// A server takes shard channels away when their slot goes to another one. The connection
    /// would take that for an answer to something else, so it is made anew.
    fn unsubscribed(&self) {
        let asked = self
            .unsubscribing
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
        if asked.is_err() {
            self.end.cancel();
        }
    }
}

impl AsyncPushSender for Receiver {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        self.signs_of_life.fetch_add(1, Ordering::Relaxed);
        match info.kind {
            PushKind::Message | PushKind::SMessage => self.receive(info.data),
            PushKind::SUnsubscribe => self.unsubscribed(),
            _ => {}
        }
        Ok(())
    }
}
