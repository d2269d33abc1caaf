//! Backends with one defect each. The suites must notice every one of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::contract::Shared;
use chat_core::memory::{MemoryBus, MemoryPresence, MemoryStore};
use chat_core::ports::{
    Appended, Bus, BusItem, BusSubscription, ConversationHead, CursorAdvance, DeviceSession, DeviceStore,
    MessageRange, MessageStore, NewMessage, Notice, Position, Presence, SessionStart, Stores, Topic,
};
use chat_core::types::{ConversationId, Device, Message, MessageId, NodeId, Seq, UserId};
use chat_core::{BackendError, Timestamp};

/// What is wrong with a store of messages and devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Answers numbers from the third on one too high, and stores them so.
    SkipsASeq,
    /// Stores a message again when it comes again.
    ForgetsIds,
    /// Lets an acknowledgement move a cursor back.
    MovesCursorsBack,
    /// Lets anyone write to a group.
    IgnoresMembership,
}

#[derive(Debug)]
struct BrokenStore {
    store: Arc<MemoryStore>,
    defect: Defect,
    acks: std::sync::Mutex<Vec<CursorAdvance>>,
}

impl BrokenStore {
    fn shift(&self, seq: Seq) -> Seq {
        let skips = self.defect == Defect::SkipsASeq && seq.get() >= 3;
        seq.advanced_by(u64::from(skips))
    }

    fn disguise(&self, new: &NewMessage) -> NewMessage {
        let mut new = new.clone();
        if self.defect == Defect::ForgetsIds {
            new.id = MessageId::random().unwrap();
        }
        new
    }

    fn last_ack(&self, user: UserId, device: &Device, conversation: ConversationId) -> Option<Seq> {
        let acks = self.acks.lock().unwrap();
        let own = |ack: &&CursorAdvance| {
            ack.user == user && ack.device == *device && ack.conversation == conversation
        };
        acks.iter().rev().find(own).map(|ack| ack.seq)
    }
}

#[async_trait]
impl MessageStore for BrokenStore {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        let batch: Vec<_> = batch.iter().map(|new| self.disguise(new)).collect();
        if self.defect == Defect::IgnoresMembership {
            for new in &batch {
                if let Some(group) = new.conversation.as_group() {
                    let all = usize::MAX;
                    chat_core::ports::GroupStore::join_group(&*self.store, group, new.sender, all, all)
                        .await?;
                }
            }
        }
        let answers = self.store.append(&batch).await?;
        let shifted = answers.into_iter().map(|answer| match answer {
            Appended::Stored { seq } => Appended::Stored { seq: self.shift(seq) },
            other => other,
        });
        Ok(shifted.collect())
    }

    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        let range = MessageRange {
            conversation,
            after,
            limit,
        };
        self.read_ranges(&[range]).await
    }

    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError> {
        let mut messages = self.store.read_ranges(ranges).await?;
        for message in &mut messages {
            message.seq = self.shift(message.seq);
        }
        Ok(messages)
    }

    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        self.store.read_before(conversation, before, limit).await
    }

    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError> {
        self.store.heads(user, device, limit).await
    }

    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
        self.store.changed_conversations(window, after, limit).await
    }
}

#[async_trait]
impl DeviceStore for BrokenStore {
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError> {
        self.store.open_device(user, device, at, devices_limit).await
    }

    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
        self.store.opened_devices(window, after, limit).await
    }

    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError> {
        self.store
            .session_start(user, device, positions_limit, messages_limit)
            .await
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        self.store.positions(user, device, after, limit).await
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        let mut position = self.store.position(user, device, conversation).await?;
        if self.defect == Defect::MovesCursorsBack
            && let (Some(position), Some(acked)) = (&mut position, self.last_ack(user, device, conversation))
        {
            position.acked_seq = acked;
        }
        Ok(position)
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        self.acks.lock().unwrap().extend_from_slice(batch);
        self.store.advance_cursors(batch).await
    }
}

/// Answers whom it renews on every call.
#[derive(Debug, Default)]
struct TellsTwice(MemoryPresence);

#[async_trait]
impl Presence for TellsTwice {
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        self.0.renew(node, users, now, ttl).await?;
        Ok(users.to_vec())
    }

    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError> {
        self.0.release(node, users, now).await
    }

    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError> {
        self.0.online(users, now).await
    }

    async fn count(&self, now: Timestamp) -> Result<usize, BackendError> {
        self.0.count(now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.0.sweep(now, limit).await
    }
}

/// Loses what does not fit and says nothing.
#[derive(Debug, Default)]
struct SwallowsGaps(MemoryBus);

#[async_trait]
impl Bus for SwallowsGaps {
    async fn publish(&self, notices: &[Notice]) -> Result<(), BackendError> {
        self.0.publish(notices).await
    }

    async fn subscribe(
        &self,
        node: &NodeId,
        capacity: usize,
    ) -> Result<Box<dyn BusSubscription>, BackendError> {
        Ok(Box::new(GaplessSubscription(
            self.0.subscribe(node, capacity).await?,
        )))
    }
}

#[derive(Debug)]
struct GaplessSubscription(Box<dyn BusSubscription>);

#[async_trait]
impl BusSubscription for GaplessSubscription {
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError> {
        self.0.add(topics).await
    }

    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError> {
        self.0.remove(topics).await
    }

    async fn next(&self, limit: usize) -> Vec<BusItem> {
        loop {
            let mut items = self.0.next(limit).await;
            let is_closed = items.is_empty();
            items.retain(|item| *item != BusItem::Gap);
            if is_closed || !items.is_empty() {
                return items;
            }
        }
    }
}

pub(crate) fn stores(defect: Defect) -> Shared<Stores> {
    let store = Arc::new(MemoryStore::default());
    let broken = Arc::new(BrokenStore {
        store: Arc::clone(&store),
        defect,
        acks: Default::default(),
    });
    Shared::new(Stores {
        messages: Arc::clone(&broken) as _,
        devices: broken,
        ..Stores::of(store)
    })
}

pub(crate) fn presence() -> Shared<Arc<dyn Presence>> {
    Shared::new(Arc::new(TellsTwice::default()))
}

pub(crate) fn bus() -> Shared<Arc<dyn Bus>> {
    Shared::new(Arc::new(SwallowsGaps::default()))
}
