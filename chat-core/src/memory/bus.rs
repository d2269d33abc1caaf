//! A bus within one process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::error::BackendError;
use crate::ports::{Bus, BusItem, BusSubscription, Notice, Topic};

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
/// let subscription = bus.subscribe(16).await?;
/// subscription.add(&[topic]).await?;
///
/// let kind = NoticeKind::Expelled { device: None };
/// let notice = Notice { topic, origin: NodeId::parse("n1")?, kind };
/// bus.publish(std::slice::from_ref(&notice)).await?;
/// assert_eq!(subscription.next().await, Some(BusItem::Notice(notice)));
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
    topics: HashMap<Topic, HashMap<u64, Arc<Queue>>>,
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

    async fn subscribe(&self, capacity: usize) -> Result<Box<dyn BusSubscription>, BackendError> {
        let queue = Arc::new(Queue::new(capacity));
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

    async fn next(&self) -> Option<BusItem> {
        loop {
            match self.queue.pop() {
                Popped::Item(item) => return Some(item),
                Popped::Closed => return None,
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
    Item(BusItem),
    Empty,
    Closed,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            state: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Adds a notice, or makes the last item a gap where there is no room.
    fn push(&self, notice: &Notice) {
        let mut state = lock(&self.state);
        if state.items.len() < self.capacity {
            state.items.push_back(BusItem::Notice(notice.clone()));
        } else if let Some(last) = state.items.back_mut() {
            *last = BusItem::Gap;
        }
        drop(state);
        self.filled.notify_one();
    }

    fn pop(&self) -> Popped {
        let mut state = lock(&self.state);
        match state.items.pop_front() {
            Some(item) => Popped::Item(item),
            None if state.closed => Popped::Closed,
            None => Popped::Empty,
        }
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_one();
    }
}
