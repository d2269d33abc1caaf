//! Acknowledgements: gathered in memory, written in batches.
//!
//! A crash loses at most what gathered since the last write. The device then gets some messages
//! once more in its next session; it never misses one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::Node;
use super::gate::Access;
use super::limit::{Limit, LimitHits};
use crate::meters::catalogue::ACKS_DROPPED;
use crate::ports::CursorAdvance;
use crate::types::{ConversationId, Device, Seq, UserId};

type DeviceKey = (UserId, Device);
type Cursors = HashMap<ConversationId, Seq>;

/// Acknowledgements that wait to be written.
#[derive(Debug)]
pub(crate) struct Acks {
    waiting: Mutex<Waiting>,
    capacity: usize,
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    gathered: tokio::sync::Notify,
    limit_hits: Arc<LimitHits>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_device: HashMap<DeviceKey, Cursors>,
    /// Those under way to the store.
    writing: HashMap<DeviceKey, Cursors>,
    count: usize,
}

/// Requests to write at once, for the task that does.
pub(crate) type Flushes = mpsc::Receiver<oneshot::Sender<()>>;

impl Acks {
    pub(crate) fn new(capacity: usize, limit_hits: Arc<LimitHits>) -> (Self, Flushes) {
        let (flushes, requests) = mpsc::channel(64);
        let acks = Self {
            waiting: Mutex::default(),
            capacity,
            flushes,
            gathered: tokio::sync::Notify::new(),
            limit_hits,
        };
        (acks, requests)
    }

    /// Remembers an acknowledgement. Beyond the capacity it is dropped, which is as if the node had
    /// crashed: the device gets some messages once more.
    pub(crate) fn add(&self, user: UserId, device: &Device, conversation: ConversationId, seq: Seq) {
        let mut waiting = self.lock();
        if waiting.count >= self.capacity {
            ACKS_DROPPED.count(&[]).increment(1);
            self.limit_hits.hit(Limit::PendingAcks);
            return;
        }
        waiting.add((user, device.clone()), conversation, seq);
        let first = waiting.count == 1;
        drop(waiting);
        if first {
            self.gathered.notify_one();
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().count
    }

    /// How far a device has acknowledged a conversation, as far as that is not in the store yet.
    pub(crate) fn pending(&self, user: UserId, device: &Device, conversation: ConversationId) -> Seq {
        let waiting = self.lock();
        let key = (user, device.clone());
        let cursor = |map: &HashMap<DeviceKey, Cursors>| map.get(&key)?.get(&conversation).copied();
        cursor(&waiting.by_device)
            .max(cursor(&waiting.writing))
            .unwrap_or_default()
    }

    /// Waits until what a device acknowledged is in the store, or the attempt to write it failed.
    pub(crate) async fn settle(&self, user: UserId, device: &Device) {
        let key = (user, device.clone());
        let is_waiting = {
            let waiting = self.lock();
            waiting.by_device.contains_key(&key) || waiting.writing.contains_key(&key)
        };
        if is_waiting {
            self.flush().await;
        }
    }

    /// Waits until everything gathered so far is in the store, or the attempt to write it failed.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.flushes.send(done).await.is_ok() {
            // Closed without an answer: the node has stopped.
            let _ = written.await;
        }
    }

    fn begin(&self) -> Vec<CursorAdvance> {
        let mut waiting = self.lock();
        waiting.count = 0;
        waiting.writing = std::mem::take(&mut waiting.by_device);
        let advances = waiting.writing.iter().flat_map(|((user, device), cursors)| {
            cursors.iter().map(|(&conversation, &seq)| CursorAdvance {
                user: *user,
                device: device.clone(),
                conversation,
                seq,
            })
        });
        advances.collect()
    }

    /// Ends a write; what could not be written waits again.
    fn end(&self, unwritten: &[CursorAdvance]) {
        let mut waiting = self.lock();
        waiting.writing = HashMap::new();
        for CursorAdvance {
            user,
            device,
            conversation,
            seq,
        } in unwritten
        {
            if waiting.count < self.capacity {
                waiting.add((*user, device.clone()), *conversation, *seq);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, key: DeviceKey, conversation: ConversationId, seq: Seq) {
        let cursors = self.by_device.entry(key).or_default();
        let before = cursors.len();
        let cursor = cursors.entry(conversation).or_default();
        *cursor = seq.max(*cursor);
        self.count += cursors.len() - before;
    }
}

/// Writes what has gathered: some time after the first, at once on request, and at the end.
pub(crate) async fn run(node: Arc<Node>, mut flushes: Flushes) {
    loop {
        let mut requests = Vec::new();
        let stopped = tokio::select! {
            // Cancel safe: neither wait takes anything out before it answers, and a dropped sleep
            // only makes the next write come a little later.
            taken = flushes.recv_many(&mut requests, 64) => taken == 0,
            () = interval(&node) => false,
            () = node.stop.cancelled() => true,
        };
        write(&node).await;
        for request in requests {
            // Who asked may be gone.
            let _ = request.send(());
        }
        if stopped {
            return;
        }
    }
}

async fn interval(node: &Node) {
    if node.acks.lock().by_device.is_empty() {
        node.acks.gathered.notified().await;
    }
    tokio::time::sleep(node.limits.ack_interval).await;
}

async fn write(node: &Node) {
    let advances = node.acks.begin();
    let mut unwritten = Vec::new();
    for chunk in advances.chunks(node.limits.background_page.max(1)) {
        let call = node.backends.stores.devices.advance_cursors(chunk);
        if node.store.bounded(Access::Write, call).await.is_err() {
            unwritten.extend_from_slice(chunk);
        }
    }
    node.acks.end(&unwritten);
}
