//! Sending, acknowledging, reading back.

use std::sync::Arc;

use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handle::SessionHandle;
use super::pages;
use super::positions::AckCheck;
use crate::clock::Timestamp;
use crate::error::{BackendError, Error, ErrorCode};
use crate::hooks::HookedRequest;
use crate::node::{Author, Limit, Node, ReplyTo, SendResult, Submission};
use crate::ports::{NewMessage, SendPolicy};
use crate::protocol::{
    Ack, ConversationView, Conversations, History, MessageView, OutgoingMessage, Reply, Sent,
};
use crate::types::{ConversationId, MessageId, MessageIdOrigin, Seq, UserId};

/// What came of submitting without waiting.
pub(crate) enum Submitted {
    /// It is on its way.
    Pending,
    /// Its shard's queue is full.
    Full(mpsc::Sender<Submission>, Box<Submission>),
}

impl SessionHandle {
    /// Sends a message, and answers when it is stored durably.
    ///
    /// Give the message an id to be able to repeat it: whatever came of the first attempt, it is
    /// stored once. Dropping the future leaves the message stored or not; repeating it with the
    /// same id tells which.
    ///
    /// # Errors
    /// `forbidden` for who is no member (or no friend, where the node asks for that), `not_found`
    /// for a recipient who does not exist, `unavailable` where the store cannot be reached: then
    /// it may have been stored.
    pub async fn send(&self, message: OutgoingMessage) -> Result<Sent, Error> {
        self.check_open()?;
        let message = self.decided(message).await?;
        let timeout = self.node().limits.store_timeout;
        let (reply, pending) = oneshot::channel();
        let submitted = self.submit(message, ReplyTo::Caller(reply), Instant::now())?;
        if let Submitted::Full(queue, submission) = submitted {
            enqueue(self.node(), queue, *submission, timeout).await?;
        }
        outcome(self.node(), pending.await.ok())
    }

    /// A message as the application's hook lets it be sent.
    async fn decided(&self, message: OutgoingMessage) -> Result<OutgoingMessage, Error> {
        let Some(hooks) = self.node().asks_before(HookedRequest::Send) else {
            return Ok(message);
        };
        // Apart, so that a send without hooks is no larger by it.
        let message = Box::pin(hooks.before_send(self.user(), message)).await?;
        // It may have ended meanwhile.
        self.check_open()?;
        Ok(message)
    }

    /// Hands a message to the writer without waiting for anything, and without asking any hook.
    pub(crate) fn submit(
        &self,
        message: OutgoingMessage,
        reply: ReplyTo,
        now: Instant,
    ) -> Result<Submitted, Error> {
        let node = self.node();
        let conversation = message.to.conversation(self.user().id);
        let queue = node.writer.queue(conversation).ok_or_else(|| stopped(node))?;
        let message = new_message(node, self.user().id, message, node.policy)?;
        self.shared().send_begins(conversation, message.id.clone());
        let submission = Submission {
            message,
            author: Author::new(Arc::clone(self.shared()), reply),
            submitted_at: now,
        };
        match queue.try_send(submission) {
            Ok(()) => Ok(Submitted::Pending),
            Err(mpsc::error::TrySendError::Full(submission)) => {
                node.limit_hits.hit(Limit::WriterQueue);
                Ok(Submitted::Full(queue.clone(), Box::new(submission)))
            }
            Err(mpsc::error::TrySendError::Closed(submission)) => {
                give_up(submission);
                Err(stopped(node))
            }
        }
    }

    /// Acknowledges all messages of a conversation up to one, for this session's device. Repeating
    /// it, or acknowledging an earlier one afterwards, changes nothing.
    ///
    /// # Errors
    /// `bad_frame` beyond the conversation's last message, `forbidden` and `not_found` where this
    /// user takes no part in it, `unavailable` where the store had to be asked and cannot be reached.
    pub async fn ack(&self, Ack { conversation, seq }: Ack) -> Result<(), Error> {
        if self.ack_known(conversation, seq) {
            return Ok(());
        }
        let node = self.node();
        let call = node
            .backends
            .stores
            .devices
            .position(self.user().id, self.device(), conversation);
        let Some(position) = node.store.read(call).await? else {
            self.check_access(conversation).await?;
            return if seq == Seq::ZERO {
                Ok(())
            } else {
                Err(beyond_the_last())
            };
        };
        if seq > position.last_seq {
            return Err(beyond_the_last());
        }
        if seq > position.acked_seq {
            self.shared()
                .positions()
                .update(conversation, |track| track.acked = track.acked.max(seq));
            node.meters.acks.increment(1);
            node.acks.add(self.user().id, self.device(), conversation, seq);
        }
        Ok(())
    }

    /// Acknowledges where that needs no store; answers whether it did.
    pub(crate) fn ack_known(&self, conversation: ConversationId, seq: Seq) -> bool {
        let check = self.shared().positions().acknowledge(conversation, seq);
        match check {
            AckCheck::Advances => {
                let node = self.node();
                node.meters.acks.increment(1);
                node.acks.add(self.user().id, self.device(), conversation, seq);
            }
            AckCheck::Known => {}
            AckCheck::AskStore => return false,
        }
        true
    }

    /// Reads a conversation back, the newest messages first in reach, each page ascending.
    ///
    /// A page may hold fewer messages than asked for, so that it fits into a frame; `more` tells.
    ///
    /// # Errors
    /// `forbidden` for a conversation of others, `not_found` for one that cannot exist,
    /// `unavailable` where the store cannot be reached.
    pub async fn history(&self, request: History) -> Result<Reply, Error> {
        self.check_access(request.conversation).await?;
        let HistoryPage { messages, more } = history_page(self.node(), &request).await?;
        Ok(Reply::History {
            conversation: request.conversation,
            messages,
            more,
        })
    }

    /// The overview of this user's conversations, newest first.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn conversations(&self, request: Conversations) -> Result<Reply, Error> {
        let node = self.node();
        node.acks.settle(self.user().id, self.device()).await;
        let limit = usize::from(request.limit);
        let call = node
            .backends
            .stores
            .messages
            .heads(self.user().id, self.device(), limit + 1);
        let heads = node.store.read(call).await?;
        let views: Vec<_> = heads
            .into_iter()
            .map(|head| ConversationView {
                conversation: head.position.conversation,
                last_seq: head.position.last_seq,
                acked_seq: head.position.acked_seq,
                last_message: head.last_message.into(),
            })
            .collect();
        let fitting = pages::fitting(views.iter(), pages::UNPAGED_BYTES).min(limit);
        let more = fitting < views.len();
        Ok(Reply::Conversations {
            conversations: views.into_iter().take(fitting).collect(),
            more,
        })
    }

    /// Whether this user may read a conversation.
    async fn check_access(&self, conversation: ConversationId) -> Result<(), Error> {
        match conversation.as_group() {
            Some(group) => self.check_membership(group).await,
            None => {
                let other = conversation.other(self.user().id).ok_or_else(|| {
                    Error::new(ErrorCode::Forbidden, "this conversation is between other users")
                })?;
                self.check_user(other).await
            }
        }
    }

    async fn check_user(&self, user: UserId) -> Result<(), Error> {
        let users = [user];
        let call = self.node().backends.stores.users.users(&users);
        match self.node().store.read(call).await?.is_empty() {
            true => Err(Error::new(ErrorCode::NotFound, "there is no such user")),
            false => Ok(()),
        }
    }
}

/// A page of a conversation, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// Its messages, by ascending `seq`.
    pub messages: Vec<MessageView>,
    /// Whether there are messages before them.
    pub more: bool,
}

/// Reads a page of a conversation, whoever may read it.
pub(crate) async fn history_page(node: &Node, request: &History) -> Result<HistoryPage, Error> {
    let limit = usize::from(request.limit);
    let call = node
        .backends
        .stores
        .messages
        .read_before(request.conversation, request.before, limit + 1);
    let mut messages = node.store.read(call).await?;
    let mut more = messages.len() > limit;
    messages.drain(..messages.len().saturating_sub(limit));
    let messages: Vec<_> = messages.into_iter().map(MessageView::from).collect();
    let fitting = pages::fitting(messages.iter().rev(), node.limits.max_frame);
    more |= fitting < messages.len();
    let messages = messages.into_iter().rev().take(fitting).rev().collect();
    Ok(HistoryPage { messages, more })
}

/// A message as the writer takes it.
pub(crate) fn new_message(
    node: &Node,
    sender: UserId,
    message: OutgoingMessage,
    policy: SendPolicy,
) -> Result<NewMessage, Error> {
    let (id, id_origin) = match message.id {
        Some(id) => (id, MessageIdOrigin::Client),
        None => (
            MessageId::random().map_err(|error| defect(node, error))?,
            MessageIdOrigin::Node,
        ),
    };
    Ok(NewMessage {
        conversation: message.to.conversation(sender),
        sender,
        id,
        id_origin,
        body: message.body,
        data: message.data,
        // The writer sets it when it stores the message.
        at: Timestamp::default(),
        policy,
    })
}

/// Waits for room in a shard's queue; after the time that a store may take nothing was stored.
pub(crate) async fn enqueue(
    node: &Node,
    queue: mpsc::Sender<Submission>,
    submission: Submission,
    timeout: std::time::Duration,
) -> Result<(), Error> {
    match queue.send_timeout(submission, timeout).await {
        Ok(()) => Ok(()),
        Err(SendTimeoutError::Timeout(submission) | SendTimeoutError::Closed(submission)) => {
            give_up(submission);
            let error = BackendError::not_done("the queue of messages is full");
            Err(Error::from_backend(error, node.limits.retry_after))
        }
    }
}

/// Forgets a send that the writer did not take.
fn give_up(Submission { message, author, .. }: Submission) {
    author.abandon(&message);
}

/// A send's outcome; there is none only where the writer has failed.
pub(crate) fn outcome(node: &Node, outcome: Option<SendResult>) -> SendResult {
    outcome.unwrap_or_else(|| {
        let error = BackendError::unknown("the writer has stopped");
        Err(Error::from_backend(error, node.limits.retry_after))
    })
}

pub(crate) fn stopped(node: &Node) -> Error {
    let error = BackendError::not_done("the writer has stopped");
    Error::from_backend(error, node.limits.retry_after)
}

fn defect(node: &Node, error: getrandom::Error) -> Error {
    let error = BackendError::broken("there is no randomness").because(error);
    Error::from_backend(error, node.limits.retry_after)
}

fn beyond_the_last() -> Error {
    Error::new(
        ErrorCode::BadFrame,
        "`seq` is beyond the conversation's last message",
    )
}
