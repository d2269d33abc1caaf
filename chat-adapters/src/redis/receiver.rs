//! What a subscription's connection brings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use chat_core::ports::Notice;
use chat_core::types::NodeId;
use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio_util::sync::CancellationToken;

use super::codec::Skipped;
use super::inbox::Inbox;
use super::meters::{RECEIVED, SKIPPED, UNWANTED};
use super::payload::Reading;
use super::wishes::Wishes;

/// Counts what is skipped, and tells of the first only: there may be many while nodes of two
/// versions run together.
#[derive(Debug, Default)]
pub(super) struct SkipLog(AtomicBool);

impl SkipLog {
    fn skipped(&self, why: Skipped) {
        SKIPPED.count(&[why.name()]).increment(1);
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "something on the bus was skipped, and further ones will be without a word: {why}"
            );
        }
    }
}

/// Takes what one connection of a subscription brings. Never waits: it runs where the connection
/// is read.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Whose own notices are left out.
    node: NodeId,
    wishes: Arc<Wishes>,
    inbox: Arc<Inbox>,
    skip_log: Arc<SkipLog>,
    /// Ends the connection.
    pub(super) end: CancellationToken,
    /// Counts what came: a connection that brings something is not stalled.
    signs_of_life: AtomicU64,
    /// Confirmations of `SUNSUBSCRIBE` that were asked for and are still to come.
    unsubscribing: AtomicUsize,
}

impl Receiver {
    pub(super) fn new(
        node: NodeId,
        wishes: Arc<Wishes>,
        inbox: Arc<Inbox>,
        skip_log: Arc<SkipLog>,
        end: CancellationToken,
    ) -> Self {
        Self {
            node,
            wishes,
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
        let (Some(Value::BulkString(_)), Some(Value::BulkString(payload))) = (data.next(), data.next())
        else {
            return;
        };
        RECEIVED.count(&[]).increment(1);
        let mut notices = Vec::new();
        let read = self.read(&payload, &mut notices);
        if !notices.is_empty() {
            self.inbox.push(notices);
        }
        if let Err(why) = read {
            // Nobody can tell what else it held.
            self.skip_log.skipped(why);
            self.inbox.push_gap();
        }
    }

    /// Reads what is wanted here of a payload.
    fn read(&self, payload: &[u8], notices: &mut Vec<Notice>) -> Result<(), Skipped> {
        let mut reading = Reading::open(payload)?;
        if reading.origin == self.node.as_str() {
            return Ok(());
        }
        let origin = NodeId::parse(reading.origin).map_err(|_| Skipped::Malformed)?;
        let mut unwanted = 0;
        while let Some(entry) = reading.next()? {
            let mut wanted = self.wishes.of(entry.topics());
            let Some(topic) = wanted.next() else {
                unwanted += 1;
                continue;
            };
            match entry.kind() {
                Ok(kind) => {
                    let notice = |topic, kind| Notice {
                        topic,
                        origin: origin.clone(),
                        kind,
                    };
                    notices.extend(wanted.map(|topic| notice(topic, kind.clone())));
                    notices.push(notice(topic, kind));
                }
                // A kind that a later version has: the others are readable.
                Err(Skipped::Kind) => self.skip_log.skipped(Skipped::Kind),
                Err(why) => return Err(why),
            }
        }
        UNWANTED.count(&[]).increment(unwanted);
        Ok(())
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
