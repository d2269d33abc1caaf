//! Messages that the application writes itself.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::inbox::SessionShared;
use super::messaging::{enqueue, new_message, outcome, stopped};
use crate::error::Error;
use crate::node::{Author, Node, ReplyTo, Submission};
use crate::ports::SendPolicy;
use crate::protocol::{OutgoingMessage, Sent};
use crate::types::{Device, User};

/// Stores a message of a system user, whatever they are a member of and whoever their friends are.
pub(crate) async fn send_as_system(
    node: &Node,
    user: &User,
    message: OutgoingMessage,
) -> Result<Sent, Error> {
    let message = new_message(node, user.id, message, SendPolicy::System)?;
    let queue = node.writer.queue(message.conversation);
    let queue = queue.ok_or_else(|| stopped(node))?.clone();
    let (reply, pending) = oneshot::channel();
    let submission = Submission {
        message,
        author: Author::new(author_of_one(node, user), ReplyTo::Caller(reply)),
        submitted_at: Instant::now(),
    };
    enqueue(node, queue, submission, node.limits.store_timeout).await?;
    outcome(node, pending.await.ok())
}

/// The author of one message, who is in no hub: nothing is delivered to them, and nothing gathers.
fn author_of_one(node: &Node, user: &User) -> Arc<SessionShared> {
    Arc::new(SessionShared::new(
        node.next_session(),
        user.clone(),
        Device::default(),
        0,
        0,
        0,
        Arc::clone(&node.limit_hits),
    ))
}
