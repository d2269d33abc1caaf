//! A bus within one process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::error::BackendError;
use crate::ports::{Bus, BusItem, BusSubscription, Notice, Topic};
use crate::types::{ById, NodeId};

/// A bus for the nodes of one process: each subscribes once to the same one.
///
/// Dropping it closes its subscriptions, once they have yielded what they hold.
///
/// ```
/// use chat_core::memory::MemoryBus;
/// use chat_core::ports::{Bus, BusItem, Notice, NoticeKind, Topic};
/// use chat_core::types::{NodeId, UserId};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let bus = MemoryBus::default();
/// let topic = Topic::User(UserId::new(1)?);
/// let subscription = bus.subscribe(&NodeId::parse("n2")?, 16).await?;
/// subscription.add(&[topic]).await?;
///
/// let kind = NoticeKind::Expelled { device: None };
/// let notice = Notice { topic, origin: NodeId::parse("n1")?, kind };
/// bus.publish(std::slice::from_ref(&notice)).await?;
/// assert_eq!(subscription.next(10).await, [BusItem::Notice(notice)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryBus {
    routes: Arc<Mutex<Routes>>,
}

/// Who listens to what.
#[derive(Debug, Default)]
struct Routes {
    next_id: u64,
    open: HashMap<u64, Arc<Queue>>,
    topics: ById<Topic, HashMap<u64, Arc<Queue>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, notices: &[Notice]) -> Result<(), BackendError> {
        let routes = lock(&self.routes);
        for notice in notices {
            let listeners = routes.topics.get(&notice.topic);
            for queue in listeners.into_iter().flat_map(HashMap::values) {
                queue.push(notice);
            }
        }
        Ok(())
    }

    fn is_alone(&self, node: &NodeId) -> bool {
        lock(&self.routes).open.values().all(|queue| queue.node == *node)
    }

    async fn subscribe(
        &self,
        node: &NodeId,
        capacity: usize,
    ) -> Result<Box<dyn BusSubscription>, BackendError> {
        let queue = Arc::new(Queue::new(node.clone(), capacity));
        let mut routes = lock(&self.routes);
        let id = routes.next_id;
        routes.next_id += 1;
        routes.open.insert(id, Arc::clone(&queue));
        Ok(Box::new(MemorySubscription {
            id,
            queue,
            topics: Mutex::default(),
            routes: Arc::clone(&self.routes),
        }))
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        for queue in lock(&self.routes).open.values() {
            queue.close();
        }
    }
}

/// A node's subscription to a [`MemoryBus`].
#[derive(Debug)]
struct MemorySubscription {
    id: u64,
    queue: Arc<Queue>,
    topics: Mutex<HashSet<Topic>>,
    routes: Arc<Mutex<Routes>>,
}

#[async_trait]
impl BusSubscription for MemorySubscription {
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError> {
        let (mut own, mut routes) = (lock(&self.topics), lock(&self.routes));
        for topic in topics.iter().filter(|topic| own.insert(**topic)) {
            let listeners = routes.topics.entry(*topic).or_default();
            listeners.insert(self.id, Arc::clone(&self.queue));
        }
        Ok(())
    }

    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError> {
        let (mut own, mut routes) = (lock(&self.topics), lock(&self.routes));
        for topic in topics.iter().filter(|topic| own.remove(topic)) {
            routes.remove(topic, self.id);
        }
        Ok(())
    }

    async fn next(&self, limit: usize) -> Vec<BusItem> {
        loop {
            match self.queue.pop(limit) {
                Popped::Items(items) => return items,
                Popped::Closed => return Vec::new(),
                // A push between the two leaves a permit, so this cannot miss it.
                Popped::Empty => self.queue.filled.notified().await,
            }
        }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        let mut routes = lock(&self.routes);
        routes.open.remove(&self.id);
        for topic in lock(&self.topics).iter() {
            routes.remove(topic, self.id);
        }
    }
}

impl Routes {
    fn remove(&mut self, topic: &Topic, id: u64) {
        if let Some(listeners) = self.topics.get_mut(topic) {
            listeners.remove(&id);
            if listeners.is_empty() {
                self.topics.remove(topic);
            }
        }
    }
}

/// What waits in one subscription.
#[derive(Debug)]
struct Queue {
    /// Whose own notices are left out.
    node: NodeId,
    capacity: usize,
    state: Mutex<QueueState>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    items: VecDeque<BusItem>,
    closed: bool,
}

enum Popped {
    Items(Vec<BusItem>),
    Empty,
    Closed,
}

impl Queue {
    fn new(node: NodeId, capacity: usize) -> Self {
        Self {
            node,
            capacity: capacity.max(1),
            state: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Adds a notice, or makes the last item a gap where there is no room.
    fn push(&self, notice: &Notice) {
        if notice.origin == self.node {
            return;
        }
        let mut state = lock(&self.state);
        if state.items.len() < self.capacity {
            state.items.push_back(BusItem::Notice(notice.clone()));
        } else if let Some(last) = state.items.back_mut() {
            *last = BusItem::Gap;
        }
        drop(state);
        self.filled.notify_one();
    }

    fn pop(&self, limit: usize) -> Popped {
        let mut state = lock(&self.state);
        let count = state.items.len().min(limit.max(1));
        match count {
            0 if state.closed => Popped::Closed,
            0 => Popped::Empty,
            _ => Popped::Items(state.items.drain(..count).collect()),
        }
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_is_alone_until_another_subscribes_and_once_it_has_gone() {
        let [here, there] = ["n1", "n2"].map(|name| NodeId::parse(name).unwrap());
        let bus = MemoryBus::default();
        assert!(bus.is_alone(&here));
        let _own = bus.subscribe(&here, 1).await.unwrap();
        assert!(bus.is_alone(&here));
        let other = bus.subscribe(&there, 1).await.unwrap();
        assert!(!bus.is_alone(&here));
        drop(other);
        assert!(bus.is_alone(&here));
    }
}
