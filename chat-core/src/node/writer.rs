//! Group commit: whatever gathers while one transaction is under way goes into the next.
//!
//! A conversation always has the same shard, so its messages keep the order in which they were
//! submitted. No timer is involved: an idle shard stores a message the moment it comes.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::Node;
use super::author::Author;
use super::committed::{Commit, Outcome};
use super::gate::Access;
use super::spans;
use super::supervise::spawn;
use crate::error::{BackendError, BackendErrorKind, Error};
use crate::ports::{Appended, NewMessage};
use crate::protocol::Sent;
use crate::types::ConversationId;

/// What a sender gets: the message is stored, or why it is not.
pub(crate) type SendResult = Result<Sent, Error>;

/// A message on its way into the store.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) message: NewMessage,
    pub(crate) author: Author,
    pub(crate) submitted_at: Instant,
}

/// Where messages are submitted.
#[derive(Debug)]
pub(crate) struct Writer {
    shards: Vec<mpsc::Sender<Submission>>,
    hasher: RandomState,
}

/// The receiving ends, until the tasks that own them are started.
pub(crate) type Queues = Vec<mpsc::Receiver<Submission>>;

impl Writer {
    pub(crate) fn new(shards: usize, queue: usize) -> (Self, Queues) {
        let (shards, queues) = (0..shards.max(1)).map(|_| mpsc::channel(queue.max(1))).unzip();
        (
            Self {
                shards,
                hasher: RandomState::new(),
            },
            queues,
        )
    }

    /// The queue of a conversation's shard; `None` after the writer has stopped.
    pub(crate) fn queue(&self, conversation: ConversationId) -> Option<&mpsc::Sender<Submission>> {
        let shards = u64::try_from(self.shards.len()).unwrap_or(1);
        let shard = self.hasher.hash_one(conversation) % shards;
        self.shards.get(usize::try_from(shard).unwrap_or(0))
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shards
            .iter()
            .map(|queue| queue.max_capacity() - queue.capacity())
            .sum()
    }
}

/// Starts a task for each shard.
pub(crate) fn start(node: &Arc<Node>, queues: Queues, tasks: &TaskTracker) {
    for queue in queues {
        spawn(tasks, node, "writer", store_batches(Arc::clone(node), queue));
    }
}

/// Stores one batch after the other, and tells of each while the next is under way. Ends when the queue is closed
/// and empty.
async fn store_batches(node: Arc<Node>, mut queue: mpsc::Receiver<Submission>) {
    let limit = node.limits.writer_batch.max(1);
    let mut stored: Option<Commit> = None;
    loop {
        let mut batch = Vec::new();
        if stored.is_some() {
            // Cancel safe: `recv_many` takes nothing out before it answers.
            let _ = queue.recv_many(&mut batch, limit).now_or_never();
        }
        if batch.is_empty() {
            // Nothing waits that the store could do meanwhile.
            tell(&node, stored.take());
            if !gather(&node, &mut queue, &mut batch, limit).await {
                return;
            }
        }
        // The store gets to work first.
        let (commit, ()) = tokio::join!(
            biased;
            store(&node, batch),
            async { tell(&node, stored.take()) },
        );
        stored = Some(commit);
    }
}

/// Waits for a batch; answers whether there is one, which there is not once the writer has stopped.
async fn gather(
    node: &Node,
    queue: &mut mpsc::Receiver<Submission>,
    batch: &mut Vec<Submission>,
    limit: usize,
) -> bool {
    tokio::select! {
        // Cancel safe: `recv_many` takes nothing out before it answers.
        taken = queue.recv_many(batch, limit) => taken > 0,
        () = node.stop_writing.cancelled() => {
            queue.close();
            queue.recv_many(batch, limit).await > 0
        }
    }
}

fn tell(node: &Node, commit: Option<Commit>) {
    if let Some(commit) = commit {
        commit.tell(node);
    }
}

async fn store(node: &Node, batch: Vec<Submission>) -> Commit {
    let began_at = Instant::now();
    let deadline = began_at + node.limits.store_timeout;
    let now = node.backends.clock.now();
    let mut commit = Commit::with_capacity(batch.len());
    let mut late = Vec::new();
    for mut submission in batch {
        if submission.submitted_at + node.limits.store_timeout <= began_at {
            late.push(submission);
            continue;
        }
        submission.message.at = now;
        commit.push(submission);
    }
    let messages = commit.messages();
    node.meters.writer_batch.record(messages.len() as f64);
    let outcomes = append(node, messages, deadline)
        .instrument(spans::of_batch(messages.len()))
        .await;
    commit.settle(outcomes);
    let too_late = late
        .iter()
        .map(|_| Err(BackendError::not_done("the message waited too long")));
    commit.settle(too_late.collect());
    late.into_iter().for_each(|submission| commit.push(submission));
    commit
}

/// Stores a batch, again and again until the deadline while the store says that this makes sense.
async fn append(node: &Node, messages: &[NewMessage], deadline: Instant) -> Vec<Outcome> {
    if messages.is_empty() {
        return Vec::new();
    }
    let mut uncertain = false;
    let mut delay = node.limits.retry_after / 50;
    loop {
        let error = match append_once(node, messages, deadline).await {
            Ok(outcomes) => return settle(messages, outcomes, uncertain),
            Err(error) => error,
        };
        match error.kind() {
            BackendErrorKind::Broken if messages.len() > 1 => {
                return append_singly(node, messages, deadline).await;
            }
            BackendErrorKind::Broken => return vec![Err(error)],
            BackendErrorKind::Unknown => uncertain = true,
            BackendErrorKind::NotDone => {}
        }
        if Instant::now() + delay >= deadline {
            return messages.iter().map(|_| Err(failed(&error, uncertain))).collect();
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(node.limits.retry_after);
    }
}

/// One message that the store cannot take must not fail the others of its batch.
async fn append_singly(node: &Node, messages: &[NewMessage], deadline: Instant) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(messages.len());
    for message in messages {
        let outcome = append_once(node, std::slice::from_ref(message), deadline).await;
        outcomes.push(outcome.and_then(|outcomes| {
            outcomes
                .into_iter()
                .next()
                .ok_or_else(|| BackendError::broken("the store left a message out"))
        }));
    }
    outcomes
}

async fn append_once(
    node: &Node,
    messages: &[NewMessage],
    deadline: Instant,
) -> Result<Vec<Appended>, BackendError> {
    if Instant::now() >= deadline {
        return Err(BackendError::not_done("no time is left"));
    }
    let call = node.backends.stores.messages.append(messages);
    let call = call.instrument(spans::of_append(messages.len()));
    let outcomes = node.store.bounded_until(deadline, Access::Append, call).await?;
    if outcomes.len() == messages.len() {
        Ok(outcomes)
    } else {
        Err(BackendError::broken(
            "the store answered for another number of messages",
        ))
    }
}

/// After an attempt of unknown outcome, a duplicate with the time of this very attempt is it.
fn settle(messages: &[NewMessage], outcomes: Vec<Appended>, uncertain: bool) -> Vec<Outcome> {
    let settled = messages
        .iter()
        .zip(outcomes)
        .map(|(message, outcome)| match outcome {
            Appended::Duplicate { seq, at } if uncertain && at == message.at => Appended::Stored { seq },
            outcome => outcome,
        });
    settled.map(Ok).collect()
}

fn failed(error: &BackendError, uncertain: bool) -> BackendError {
    let what = error.to_string();
    if uncertain {
        BackendError::unknown(what)
    } else {
        BackendError::not_done(what)
    }
}
