//! Backends with one defect each, and a store that is merely slow.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::memory::{MemoryBus, MemoryStore};
use chat_core::ports::{
    Appended, Bus, BusItem, BusSubscription, ConversationHead, CursorAdvance, DeviceSession, DeviceStore,
    GroupStore, MessageRange, MessageStore, NewMessage, Notice, Position, SessionStart, Topic,
};
use chat_core::types::{ConversationId, Device, Message, MessageId, NodeId, Seq, UserId};
use chat_core::{BackendError, Timestamp};

/// What is wrong with the backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Gives out numbers from the third on one too high.
    SkipsASeq,
    /// Stores a message again when it comes again.
    ForgetsIds,
    /// Starts a session one message before what its device acknowledged.
    MovesCursorsBack,
    /// Starts a session one message after what its device acknowledged.
    MovesCursorsAhead,
    /// Lets anyone write to a group.
    IgnoresMembership,
    /// Reads back the newest message first.
    SwapsMessages,
    /// The bus loses what does not fit and says nothing.
    SwallowsGaps,
}

#[derive(Debug)]
pub(crate) struct Messages {
    store: Arc<MemoryStore>,
    defect: Option<Defect>,
    /// How long a page takes after it was read.
    latency: Duration,
}

impl Messages {
    pub(crate) const fn new(store: Arc<MemoryStore>, defect: Option<Defect>, latency: Duration) -> Self {
        Self {
            store,
            defect,
            latency,
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn shift(&self, seq: Seq) -> Seq {
        let skips = self.has(Defect::SkipsASeq) && seq.get() >= 3;
        seq.advanced_by(u64::from(skips))
    }

    /// Lets a page that was read arrive with its defect, and late.
    async fn spoil(&self, messages: &mut [Message]) {
        for message in &mut *messages {
            message.seq = self.shift(message.seq);
        }
        if self.has(Defect::SwapsMessages)
            && let [first, second, ..] = messages
            && first.conversation == second.conversation
        {
            (first.seq, second.seq) = (second.seq, first.seq);
            std::mem::swap(first, second);
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    fn misplace(&self, mut position: Position) -> Position {
        let Position {
            acked_seq, last_seq, ..
        } = position;
        if self.has(Defect::MovesCursorsBack) && acked_seq > Seq::ZERO {
            position.acked_seq = acked_seq.previous();
        }
        if self.has(Defect::MovesCursorsAhead) && acked_seq < last_seq {
            position.acked_seq = acked_seq.next();
        }
        position.last_seq = self.shift(last_seq);
        position
    }
}

#[async_trait]
impl MessageStore for Messages {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        let mut batch = batch.to_vec();
        for new in &mut batch {
            if self.has(Defect::ForgetsIds) {
                new.id = MessageId::random().unwrap();
            }
            if self.has(Defect::IgnoresMembership)
                && let Some(group) = new.conversation.as_group()
            {
                self.store
                    .join_group(group, new.sender, usize::MAX, usize::MAX)
                    .await?;
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
        self.spoil(&mut messages).await;
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
        let changed = self.store.changed_conversations(window, after, limit).await?;
        let shifted = changed.into_iter().map(|(id, seq)| (id, self.shift(seq)));
        Ok(shifted.collect())
    }
}

#[async_trait]
impl DeviceStore for Messages {
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
        let mut start = self
            .store
            .session_start(user, device, positions_limit, messages_limit)
            .await?;
        if self.has(Defect::MovesCursorsBack) || self.has(Defect::MovesCursorsAhead) {
            // They are read from where the positions are said to be.
            start.messages.clear();
        }
        for position in &mut start.positions {
            *position = self.misplace(*position);
        }
        self.spoil(&mut start.messages).await;
        Ok(start)
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        let positions = self.store.positions(user, device, after, limit).await?;
        Ok(positions
            .into_iter()
            .map(|position| self.misplace(position))
            .collect())
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        let position = self.store.position(user, device, conversation).await?;
        Ok(position.map(|position| self.misplace(position)))
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        self.store.advance_cursors(batch).await
    }
}

#[derive(Debug)]
pub(crate) struct SwallowsGaps(pub(crate) Arc<MemoryBus>);

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
        Ok(Box::new(Gapless(self.0.subscribe(node, capacity).await?)))
    }
}

#[derive(Debug)]
struct Gapless(Box<dyn BusSubscription>);

#[async_trait]
impl BusSubscription for Gapless {
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
