//! The way out to the bus: in order, bounded, and never in anybody's way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Node;
use super::gate::Access;
use super::limit::{Limit, LimitHits};
use crate::meters::catalogue::NOTICES_DROPPED;
use crate::ports::Notice;

/// Takes notices for the bus. What finds no room is dropped: the receivers learn of it by pull.
#[derive(Debug)]
pub(crate) struct Publisher {
    waiting: Mutex<VecDeque<Notice>>,
    capacity: usize,
    gathered: Notify,
    limit_hits: Arc<LimitHits>,
}

impl Publisher {
    pub(crate) fn new(capacity: usize, limit_hits: Arc<LimitHits>) -> Self {
        Self {
            waiting: Mutex::default(),
            capacity: capacity.max(1),
            gathered: Notify::new(),
            limit_hits,
        }
    }

    /// How many notices wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().len()
    }

    /// Takes notices in their order.
    pub(crate) fn publish(&self, mut notices: Vec<Notice>) {
        let mut waiting = self.lock();
        let room = self.capacity - waiting.len();
        let dropped = notices.len().saturating_sub(room);
        notices.truncate(room);
        waiting.extend(notices);
        drop(waiting);
        self.gathered.notify_one();
        if dropped > 0 {
            NOTICES_DROPPED.count(&[]).increment(dropped as u64);
            (0..dropped).for_each(|_| self.limit_hits.hit(Limit::BusQueue));
        }
    }

    /// Takes out the oldest that wait, at most `limit`.
    fn take(&self, limit: usize) -> Vec<Notice> {
        let mut waiting = self.lock();
        if waiting.len() <= limit {
            return std::mem::take(&mut *waiting).into();
        }
        waiting.drain(..limit).collect()
    }

    /// Waits for notices and takes them out, at most `limit`. Cancel safe.
    async fn gather(&self, limit: usize) -> Vec<Notice> {
        loop {
            let notices = self.take(limit);
            if !notices.is_empty() {
                return notices;
            }
            // What comes between the two leaves a permit, so that this cannot miss it.
            self.gathered.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes what gathers, in batches; what fails is tried again until the node stops.
pub(crate) async fn run(node: Arc<Node>) {
    let limit = node.limits.background_page.max(1);
    while let Some(batch) = node
        .stop_publishing
        .run_until_cancelled(node.publisher.gather(limit))
        .await
    {
        publish(&node, &batch).await;
    }
    loop {
        let batch = node.publisher.take(limit);
        if batch.is_empty() {
            return;
        }
        publish(&node, &batch).await;
    }
}

async fn publish(node: &Node, batch: &[Notice]) {
    let mut delay = node.limits.pull_interval_without_bus / 4;
    while node
        .bus
        .bounded(Access::Append, node.backends.bus.publish(batch))
        .await
        .is_err()
    {
        let pause = tokio::time::sleep(delay);
        if node.stop_publishing.run_until_cancelled(pause).await.is_none() {
            return;
        }
        delay = (delay * 2).min(node.limits.retry_after);
    }
    node.meters.notices_published.increment(batch.len() as u64);
}
