//! A node's subscription: what it wants to hear, and what it has heard.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{BusItem, BusSubscription, Topic};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use super::error::{CallError, Sent};
use super::inbox::Inbox;
use super::receiver::SkipLog;
use super::servers::Servers;
use super::subscriber::Subscriber;

/// A subscription to a [`RedisBus`](super::RedisBus).
#[derive(Debug)]
pub(super) struct RedisSubscription {
    wishes: Arc<Wishes>,
    inbox: Arc<Inbox>,
    servers: Arc<Servers>,
    _end: DropGuard,
}

impl RedisSubscription {
    /// Starts the task that fulfils the wishes.
    pub(super) fn start(servers: Arc<Servers>, skip_log: Arc<SkipLog>, capacity: usize) -> Self {
        let end = servers.connector.stop.child_token();
        let (wishes, inbox) = (Arc::new(Wishes::default()), Arc::new(Inbox::new(capacity)));
        let subscriber = Subscriber::new(
            Arc::clone(&servers),
            Arc::clone(&wishes),
            Arc::clone(&inbox),
            skip_log,
            end.clone(),
        );
        servers.connector.tasks.spawn(subscriber.run());
        Self {
            wishes,
            inbox,
            servers,
            _end: end.drop_guard(),
        }
    }

    /// Waits until the task has dealt with a wish; fails where it could not be fulfilled yet.
    async fn fulfilled(&self, version: u64) -> Result<(), CallError> {
        let mut progress = self.wishes.progress.subscribe();
        let limit = self.servers.connector.options.call_timeout;
        let dealt_with = progress.wait_for(|progress| progress.version >= version);
        let stop = &self.servers.connector.stop;
        match timeout(limit, stop.run_until_cancelled(dealt_with)).await {
            Ok(Some(Ok(progress))) => match &progress.failure {
                Some(error) => Err(error.clone()),
                None => Ok(()),
            },
            Ok(Some(Err(_)) | None) => Err(CallError::away("the bus", "it is closed")),
            Err(_) => Err(CallError::away(
                "the bus",
                format!("it took longer than {limit:?}"),
            )),
        }
    }
}

#[async_trait]
impl BusSubscription for RedisSubscription {
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError> {
        if topics.is_empty() {
            return Ok(());
        }
        let unanswered = Unanswered(self);
        let version = self.wishes.add(topics);
        let answer = self.fulfilled(version).await;
        if answer.is_ok() {
            std::mem::forget(unanswered);
        }
        answer.map_err(|error| error.into_backend("cannot subscribe on Redis yet", Sent::Nothing))
    }

    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError> {
        if topics.is_empty() {
            return Ok(());
        }
        let version = self.wishes.remove(topics);
        // Where the bus is away nothing is heard of these topics either, and they stay removed.
        let _ = self.fulfilled(version).await;
        Ok(())
    }

    async fn next(&self) -> Option<BusItem> {
        self.inbox.next().await
    }
}

/// Sees to a gap for a caller who was not told from when on their topics are heard.
struct Unanswered<'a>(&'a RedisSubscription);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.wishes.topics().gap_due = true;
        self.0.wishes.changed.notify_one();
    }
}

/// What a subscription wants to hear, and how far its task has come with that.
#[derive(Debug)]
pub(super) struct Wishes {
    topics: Mutex<Topics>,
    pub(super) changed: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Topics {
    wanted: HashSet<Topic>,
    changed: HashSet<Topic>,
    /// Counts the calls.
    version: u64,
    /// Whether a gap follows once all that is wanted is heard.
    gap_due: bool,
}

/// Up to which call the task has dealt with, and what is in its way.
#[derive(Debug, Default)]
struct Progress {
    version: u64,
    failure: Option<CallError>,
}

/// What the task has to deal with.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) version: u64,
    pub(super) wanted: Vec<Topic>,
    pub(super) unwanted: Vec<Topic>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            topics: Mutex::default(),
            changed: Notify::new(),
            progress: watch::Sender::default(),
        }
    }
}

impl Wishes {
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, topics: &[Topic]) -> u64 {
        self.change(topics, HashSet::insert)
    }

    fn remove(&self, topics: &[Topic]) -> u64 {
        self.change(topics, |wanted, topic| wanted.remove(&topic))
    }

    /// Changes what is wanted. A topic that changes nothing still waits for its turn, because an
    /// earlier call may not have been fulfilled yet.
    fn change(&self, topics: &[Topic], change: fn(&mut HashSet<Topic>, Topic) -> bool) -> u64 {
        let mut state = self.topics();
        for topic in topics {
            if change(&mut state.wanted, *topic) {
                state.changed.insert(*topic);
            }
        }
        state.version += 1;
        let version = state.version;
        drop(state);
        self.changed.notify_one();
        version
    }

    /// Takes what has changed since the last time.
    pub(super) fn take(&self) -> Changes {
        let mut state = self.topics();
        let changed = std::mem::take(&mut state.changed);
        let (wanted, unwanted) = changed
            .into_iter()
            .partition(|topic| state.wanted.contains(topic));
        Changes {
            version: state.version,
            wanted,
            unwanted,
        }
    }

    /// Whether a gap is due now that everything wanted is heard.
    pub(super) fn take_gap_due(&self) -> bool {
        std::mem::take(&mut self.topics().gap_due)
    }

    /// Tells the callers how far the task has come.
    pub(super) fn report(&self, version: u64, failure: Option<CallError>) {
        self.progress.send_replace(Progress { version, failure });
    }
}
