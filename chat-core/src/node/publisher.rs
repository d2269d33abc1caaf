//! The way out to the bus: in order, bounded, and never in anybody's way.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Node;
use super::gate::Access;
use super::limit::{Limit, LimitHits};
use crate::meters::catalogue::NOTICES_DROPPED;
use crate::ports::Notice;

/// Takes notices for the bus. What finds no room is dropped: the receivers learn of it by pull.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: mpsc::Sender<Notice>,
    limit_hits: Arc<LimitHits>,
}

impl Publisher {
    pub(crate) fn new(queue: usize, limit_hits: Arc<LimitHits>) -> (Self, mpsc::Receiver<Notice>) {
        let (queue, notices) = mpsc::channel(queue.max(1));
        (Self { queue, limit_hits }, notices)
    }

    /// How many notices wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(crate) fn publish(&self, notices: impl IntoIterator<Item = Notice>) {
        for notice in notices {
            if self.queue.try_send(notice).is_err() {
                NOTICES_DROPPED.count(&[]).increment(1);
                self.limit_hits.hit(Limit::BusQueue);
            }
        }
    }
}

/// Publishes what gathers, in batches; what fails is tried again until the node stops.
pub(crate) async fn run(node: Arc<Node>, mut notices: mpsc::Receiver<Notice>) {
    let limit = node.limits.background_page.max(1);
    let mut batch = Vec::new();
    loop {
        // Cancel safe: `recv_many` takes nothing out before it answers.
        let gathered = notices.recv_many(&mut batch, limit);
        if node.stop_publishing.run_until_cancelled(gathered).await.is_none() {
            break;
        }
        publish(&node, &batch).await;
        batch.clear();
    }
    notices.close();
    while notices.recv_many(&mut batch, limit).await > 0 {
        publish(&node, &batch).await;
        batch.clear();
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
