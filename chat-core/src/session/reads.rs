//! The reads of delivery: each a future of its own, so that a session's task can do other things
//! meanwhile and loses nothing when it does.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::inbox::SessionShared;
use crate::error::BackendError;
use crate::node::{Access, Node};
use crate::ports::{MessageRange, Position};
use crate::types::{ConversationId, Message};

/// What a read brought.
pub(crate) enum Read {
    /// A page of the user's conversations, and the first one of the next page.
    Listed(Result<Vec<Position>, BackendError>),
    /// Where the device stands in one conversation.
    Found(ConversationId, Result<Option<Position>, BackendError>),
    /// The messages after positions.
    Messages(Vec<MessageRange>, Result<Vec<Message>, BackendError>),
}

impl Read {
    pub(crate) const fn failed(&self) -> bool {
        match self {
            Self::Listed(result) => result.is_err(),
            Self::Found(_, result) => result.is_err(),
            Self::Messages(_, result) => result.is_err(),
        }
    }
}

/// How many conversations a page of them has.
pub(crate) fn page_size(node: &Node) -> usize {
    node.limits.background_page.max(1)
}

/// How many the store is asked for: one more than a page has tells whether another page follows.
pub(crate) fn listed_at_most(node: &Node) -> usize {
    page_size(node).saturating_add(1)
}

/// Lists the user's conversations after one of them.
pub(crate) fn list(
    node: &Arc<Node>,
    shared: &Arc<SessionShared>,
    after: Option<ConversationId>,
    failures: u32,
) -> BoxFuture<'static, Read> {
    let (node, shared) = (Arc::clone(node), Arc::clone(shared));
    async move {
        let limit = listed_at_most(&node);
        let devices = &node.backends.stores.devices;
        let call = devices.positions(shared.user.id, &shared.device, after, limit);
        Read::Listed(read(&node, failures, call).await)
    }
    .boxed()
}

/// Finds where the device stands in a conversation. A group is followed first, so that no message
/// can fall between the position and the notices.
pub(crate) fn find(
    node: &Arc<Node>,
    shared: &Arc<SessionShared>,
    conversation: ConversationId,
    failures: u32,
) -> BoxFuture<'static, Read> {
    let (node, shared) = (Arc::clone(node), Arc::clone(shared));
    async move {
        if let Some(group) = conversation.as_group() {
            node.hub.follow(shared.id, group);
            node.hub.listening(node.limits.bus_timeout).await;
        }
        let devices = &node.backends.stores.devices;
        let call = devices.position(shared.user.id, &shared.device, conversation);
        let found = read(&node, failures, call).await.map(|position| {
            let pending = node.acks.pending(shared.user.id, &shared.device, conversation);
            position.map(|position| Position {
                acked_seq: position.acked_seq.max(pending),
                ..position
            })
        });
        Read::Found(conversation, found)
    }
    .boxed()
}

/// Reads what comes next in some conversations.
pub(crate) fn messages(
    node: &Arc<Node>,
    ranges: Vec<MessageRange>,
    failures: u32,
) -> BoxFuture<'static, Read> {
    let node = Arc::clone(node);
    async move {
        let call = node.backends.stores.messages.read_ranges(&ranges);
        let messages = read(&node, failures, call).await;
        Read::Messages(ranges, messages)
    }
    .boxed()
}

/// Waits for a place among the node's readers, and longer the more reads failed before.
async fn read<T>(
    node: &Node,
    failures: u32,
    call: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    if failures > 0 {
        let delay = Duration::from_millis(50).saturating_mul(1 << failures.min(6));
        tokio::time::sleep(delay).await;
    }
    let began_at = Instant::now();
    let _place = node
        .delivery_reads
        .acquire()
        .await
        .map_err(|_| BackendError::not_done("the node has stopped"))?;
    let result = node.store.bounded(Access::Read, call).await;
    node.meters.delivery_read_seconds.record(began_at.elapsed());
    result
}
