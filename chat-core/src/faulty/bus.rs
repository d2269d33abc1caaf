//! The bus, failing on command.

use async_trait::async_trait;
use tokio::sync::{Mutex, watch};

use super::{Faults, Faulty};
use crate::error::BackendError;
use crate::ports::{Bus, BusItem, BusSubscription, Notice, Topic};
use crate::types::NodeId;

/// Fails at `publish`, `subscribe`, `add` and `remove`; loses notices and yields gaps on command. No node is alone on it:
/// what is not published cannot fail.
#[async_trait]
impl<P: Bus + ?Sized> Bus for Faulty<P> {
    async fn publish(&self, notices: &[Notice]) -> Result<(), BackendError> {
        let kept = notices.iter().filter(|_| !self.faults.loses_notice());
        let kept: Vec<Notice> = kept.cloned().collect();
        self.call("publish", self.inner.publish(&kept)).await
    }

    async fn subscribe(
        &self,
        node: &NodeId,
        capacity: usize,
    ) -> Result<Box<dyn BusSubscription>, BackendError> {
        let gaps = self.faults.gaps();
        let inner = self
            .call("subscribe", self.inner.subscribe(node, capacity))
            .await?;
        Ok(Box::new(FaultySubscription {
            inner,
            faults: self.faults.clone(),
            gaps: Mutex::new(gaps),
        }))
    }
}

#[derive(Debug)]
struct FaultySubscription {
    inner: Box<dyn BusSubscription>,
    faults: Faults,
    /// Async, because the one caller of `next` holds it while it waits.
    gaps: Mutex<watch::Receiver<u64>>,
}

#[async_trait]
impl BusSubscription for FaultySubscription {
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError> {
        self.faults.apply("add", self.inner.add(topics)).await
    }

    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError> {
        self.faults.apply("remove", self.inner.remove(topics)).await
    }

    async fn next(&self, limit: usize) -> Vec<BusItem> {
        let mut gaps = self.gaps.lock().await;
        // Cancel safe: a gap counts as seen only when it is yielded, and the port's `next` is.
        tokio::select! {
            biased;
            Ok(()) = gaps.changed() => vec![BusItem::Gap],
            items = self.inner.next(limit) => items,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::MemoryBus;
    use crate::ports::NoticeKind;
    use crate::types::UserId;

    fn reader() -> NodeId {
        NodeId::parse("n2").unwrap()
    }

    fn notice() -> Notice {
        Notice {
            topic: Topic::User(UserId::new(1).unwrap()),
            origin: NodeId::parse("n1").unwrap(),
            kind: NoticeKind::Expelled { device: None },
        }
    }

    #[tokio::test]
    async fn a_gap_is_yielded_on_command_by_every_subscription() {
        let faults = Faults::default();
        let bus = Faulty::new(Arc::new(MemoryBus::default()), faults.clone());
        let subscriptions = [
            bus.subscribe(&reader(), 4).await.unwrap(),
            bus.subscribe(&reader(), 4).await.unwrap(),
        ];
        faults.emit_gap();
        for subscription in subscriptions {
            assert_eq!(subscription.next(9).await, [BusItem::Gap]);
            subscription.add(&[notice().topic]).await.unwrap();
            bus.publish(&[notice()]).await.unwrap();
            assert_eq!(subscription.next(9).await, [BusItem::Notice(notice())]);
        }
    }

    #[tokio::test]
    async fn lost_notices_reach_nobody_and_nobody_is_told() {
        let faults = Faults::default();
        let bus = Faulty::new(Arc::new(MemoryBus::default()), faults.clone());
        let subscription = bus.subscribe(&reader(), 4).await.unwrap();
        subscription.add(&[notice().topic]).await.unwrap();
        faults.lose_notices(1, 1_000);
        bus.publish(&[notice()]).await.unwrap();
        faults.clear();
        faults.emit_gap();
        assert_eq!(subscription.next(9).await, [BusItem::Gap]);
    }
}
