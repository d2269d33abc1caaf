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
    let mut coverage = Coverage::new(Instant::now(), node.limits.store_timeout);
    while node.stop.run_until_cancelled(due(&node)).await.is_some() {
        let begun = Instant::now();
        let window = coverage.window(begun);
        let Some(pulled) = node.stop.run_until_cancelled(pull(&node, window)).await else {
            return;
        };
        if pulled.is_ok() {
            coverage.succeeded(begun);
        }
        // A bus that tells of gaps all the time must not make this a busy loop.
        let pause = tokio::time::sleep(node.limits.pull_interval_without_bus);
        if node.stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// From when on changes may not have been seen yet.
///
/// A change bears the time of its statement and is seen once its transaction is committed, which takes at most a store's
/// time-out; but where the way to the store stalls, all of the stall more. No pull succeeds meanwhile, and what was
/// under way is committed soon after: what came before the stall is covered until a pull has succeeded then.
#[derive(Debug)]
struct Coverage {
    /// All that changed before this was seen.
    until: Instant,
    /// When the first pull after that began which succeeded.
    next: Option<Instant>,
    store_timeout: Duration,
}

impl Coverage {
    const fn new(until: Instant, store_timeout: Duration) -> Self {
        Self {
            until,
            next: None,
            store_timeout,
        }
    }

    /// How far a pull that begins has to look back.
    fn window(&self, begins: Instant) -> Duration {
        begins.duration_since(self.until) + self.store_timeout
    }

    /// A pull that began then has seen all in its window.
    fn succeeded(&mut self, begun: Instant) {
        match self.next {
            Some(next) if begun.duration_since(next) < self.store_timeout => return,
            Some(next) => self.until = next,
            None => {}
        }
        self.next = Some(begun);
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

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[test]
    fn a_pull_sees_again_what_the_two_before_it_could_have_missed() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start, TIMEOUT);
        let mut windows = Vec::new();
        for pull in 1..=4 {
            let begun = start + TIMEOUT * pull;
            windows.push(coverage.window(begun));
            coverage.succeeded(begun);
        }
        assert_eq!(windows, [2, 3, 3, 3].map(|times| TIMEOUT * times));
    }

    #[test]
    fn what_was_under_way_before_a_stall_is_looked_for_until_it_had_time_to_be_committed() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start, TIMEOUT);
        // No pull succeeds for an hour; then they follow each other quickly.
        let back = start + Duration::from_secs(3_600);
        for tenths in 0..50 {
            let begun = back + TIMEOUT * tenths / 50;
            assert!(coverage.window(begun) > begun - start, "after {tenths}");
            coverage.succeeded(begun);
        }
        let settled = back + TIMEOUT;
        coverage.succeeded(settled);
        assert_eq!(coverage.window(settled), TIMEOUT * 2);
    }

    #[test]
    fn many_pulls_do_not_make_the_next_one_look_back_further() {
        let start = Instant::now();
        let mut coverage = Coverage::new(start, TIMEOUT);
        for tenths in 1..1_000 {
            let begun = start + TIMEOUT * tenths / 10;
            assert!(coverage.window(begun) <= TIMEOUT * 3, "after {tenths}");
            coverage.succeeded(begun);
        }
    }
}
