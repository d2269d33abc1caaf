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
use crate::ports::Position;
use crate::types::{ConversationId, Message, Seq};

/// What a read brought.
pub(crate) enum Read {
    /// A page of the user's conversations.
    Listed(Result<Vec<Position>, BackendError>),
    /// Where the device stands in one conversation.
    Found(ConversationId, Result<Option<Position>, BackendError>),
    /// The messages after a position.
    Page(ConversationId, Result<Vec<Message>, BackendError>),
}

impl Read {
    pub(crate) const fn failed(&self) -> bool {
        match self {
            Self::Listed(result) => result.is_err(),
            Self::Found(_, result) => result.is_err(),
            Self::Page(_, result) => result.is_err(),
        }
    }
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
        let page = node.limits.background_page;
        let devices = &node.backends.stores.devices;
        let call = devices.positions(shared.user.id, &shared.device, after, page);
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

/// Reads the next page of a conversation.
pub(crate) fn page(
    node: &Arc<Node>,
    conversation: ConversationId,
    after: Seq,
    failures: u32,
) -> BoxFuture<'static, Read> {
    let node = Arc::clone(node);
    async move {
        let call = node
            .backends
            .stores
            .messages
            .read_after(conversation, after, node.limits.delivery_page);
        Read::Page(conversation, read(&node, failures, call).await)
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
