//! The pull: what the bus may have lost is found in the store.
//!
//! A few queries a node, whatever its number of sessions: which conversations and memberships changed
//! and which devices were opened since the last pull that succeeded. It runs slowly all the time, because a bus can be silent
//! without knowing it, and at once, then quickly, while the bus tells of gaps.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Node;
use super::gate::Access;
use crate::error::BackendError;

pub(crate) async fn run(node: Arc<Node>) {
    let mut covered_until = Instant::now();
    while node.stop.run_until_cancelled(due(&node)).await.is_some() {
        let begun = Instant::now();
        // A transaction that began before the last pull may have been committed after it.
        let window = begun.duration_since(covered_until) + node.limits.store_timeout * 2;
        let Some(pulled) = node.stop.run_until_cancelled(pull(&node, window)).await else {
            return;
        };
        if pulled.is_ok() {
            covered_until = begun;
        }
        // A bus that tells of gaps all the time must not make this a busy loop.
        let pause = tokio::time::sleep(node.limits.pull_interval_without_bus);
        if node.stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// Waits for a gap, or until it is time anyway.
async fn due(node: &Node) {
    // A time-out is the slow rhythm.
    let _ = tokio::time::timeout(node.limits.pull_interval, node.pull.notified()).await;
}

async fn pull(node: &Node, window: Duration) -> Result<(), BackendError> {
    if node.hub.session_count() == 0 {
        return Ok(());
    }
    pull_devices(node, window).await?;
    pull_memberships(node, window).await?;
    pull_conversations(node, window).await
}

async fn pull_conversations(node: &Node, window: Duration) -> Result<(), BackendError> {
    let page = node.limits.background_page.max(1);
    let mut after = None;
    loop {
        let call = node
            .backends
            .stores
            .messages
            .changed_conversations(window, after, page);
        let changed = node.store.bounded(Access::Read, call).await?;
        for &(conversation, last_seq) in &changed {
            node.hub.head(conversation, last_seq);
        }
        match changed.last() {
            Some(&(last, _)) if changed.len() == page => after = Some(last),
            _ => return Ok(()),
        }
    }
}

async fn pull_memberships(node: &Node, window: Duration) -> Result<(), BackendError> {
    let page = node.limits.background_page.max(1);
    let mut after = None;
    loop {
        let call = node
            .backends
            .stores
            .groups
            .changed_memberships(window, after, page);
        let changed = node.store.bounded(Access::Read, call).await?;
        for &(group, user) in &changed {
            node.hub.membership_changed(user, group);
        }
        match changed.last() {
            Some(&last) if changed.len() == page => after = Some(last),
            _ => return Ok(()),
        }
    }
}

/// Closes the sessions here whose device was opened anew elsewhere.
async fn pull_devices(node: &Node, window: Duration) -> Result<(), BackendError> {
    let page = node.limits.background_page.max(1);
    let mut after = None;
    loop {
        let call = node
            .backends
            .stores
            .devices
            .opened_devices(window, after.take(), page);
        let opened = node.store.bounded(Access::Read, call).await?;
        for (user, device, epoch) in &opened {
            node.hub.device_opened(*user, device, *epoch);
        }
        match opened.last() {
            Some((user, device, _)) if opened.len() == page => after = Some((*user, device.clone())),
            _ => return Ok(()),
        }
    }
}
