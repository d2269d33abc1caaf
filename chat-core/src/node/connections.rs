//! The connections of this node: how many there are, from where, and which have been idle too long.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::Node;
use super::limit::{Limit, LimitHits};
use crate::error::GoodbyeCode;
use crate::limits::Limits;
use crate::protocol::Goodbye;

/// All connections of a node.
#[derive(Debug)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    started_at: Instant,
    changed: tokio::sync::Notify,
    limit_hits: Arc<LimitHits>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    by_id: HashMap<u64, Arc<Control>>,
    by_address: HashMap<IpAddr, usize>,
    draining: bool,
}

/// The part of a connection that the node's other parts reach.
#[derive(Debug)]
pub(crate) struct Control {
    id: u64,
    address: Option<IpAddr>,
    /// When the time for a login began, and when the last frame came: milliseconds since the
    /// node's start.
    opened_at: AtomicU64,
    heard_at: AtomicU64,
    logged_in: AtomicBool,
    /// When its closing began; 0 while it is open.
    closing_at: AtomicU64,
    killed: AtomicBool,
    goodbye: Mutex<Option<Goodbye>>,
    /// Wakes the connection itself.
    waker: AtomicWaker,
    /// Wakes who waits for its end by force.
    kill_waker: AtomicWaker,
}

impl Connections {
    pub(crate) fn new(limit_hits: Arc<LimitHits>) -> Self {
        Self {
            table: Mutex::default(),
            started_at: Instant::now(),
            changed: tokio::sync::Notify::new(),
            limit_hits,
        }
    }

    /// Admits a connection, unless there are too many or the node is draining.
    pub(crate) fn admit(&self, address: Option<IpAddr>, limits: &Limits) -> Result<Arc<Control>, Goodbye> {
        let mut table = self.lock();
        if table.draining {
            return Err(Goodbye::new(
                GoodbyeCode::ServerDraining,
                Some(limits.retry_after),
            ));
        }
        let of_address = address
            .and_then(|address| table.by_address.get(&address).copied())
            .unwrap_or(0);
        let reached = match () {
            () if table.by_id.len() >= limits.connections => Some(Limit::Connections),
            () if of_address >= limits.connections_per_address => Some(Limit::ConnectionsPerAddress),
            () => None,
        };
        if let Some(limit) = reached {
            self.limit_hits.hit(limit);
            return Err(Goodbye::new(
                GoodbyeCode::TooManyConnections,
                Some(limits.retry_after),
            ));
        }
        table.last_id += 1;
        let now = self.now();
        let control = Arc::new(Control {
            id: table.last_id,
            address,
            opened_at: AtomicU64::new(now),
            heard_at: AtomicU64::new(now),
            logged_in: AtomicBool::new(false),
            closing_at: AtomicU64::new(0),
            killed: AtomicBool::new(false),
            goodbye: Mutex::default(),
            waker: AtomicWaker::new(),
            kill_waker: AtomicWaker::new(),
        });
        if let Some(address) = address {
            *table.by_address.entry(address).or_default() += 1;
        }
        table.by_id.insert(control.id, Arc::clone(&control));
        Ok(control)
    }

    pub(crate) fn remove(&self, control: &Control) {
        let mut table = self.lock();
        if table.by_id.remove(&control.id).is_none() {
            return;
        }
        if let Some(address) = control.address
            && let Some(count) = table.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                table.by_address.remove(&address);
            }
        }
        drop(table);
        self.changed.notify_waiters();
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Whether goodbye is being said to all, or has been.
    pub(crate) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    pub(crate) fn heard(&self, control: &Control) {
        control.heard_at.store(self.now(), Ordering::Relaxed);
    }

    /// Admits no further connection; answers whether any was admitted until now.
    pub(crate) fn begin_draining(&self) -> bool {
        !std::mem::replace(&mut self.lock().draining, true)
    }

    /// Says goodbye to every connection, spread over a time. Answers when all are gone, or by force
    /// `close_timeout` after the last goodbye.
    pub(crate) async fn drain(&self, spread: Duration, limits: &Limits) {
        let open: Vec<_> = self.lock().by_id.values().cloned().collect();
        let pause = spread / u32::try_from(open.len().max(1)).unwrap_or(u32::MAX);
        let begun = Instant::now();
        for (place, control) in (0_u32..).zip(open) {
            tokio::time::sleep_until(begun + pause * place).await;
            control.close(Goodbye::new(
                GoodbyeCode::ServerDraining,
                Some(limits.retry_after),
            ));
        }
        if tokio::time::timeout(limits.close_timeout, self.all_gone())
            .await
            .is_err()
        {
            for control in self.lock().by_id.values() {
                if control.kill() {
                    self.limit_hits.hit(Limit::CloseTimeout);
                }
            }
        }
    }

    async fn all_gone(&self) {
        loop {
            let changed = self.changed.notified();
            if self.count() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Closes what has been silent or closing for too long. One pass a second costs an idle
    /// connection less than a timer of its own.
    fn sweep(&self, limits: &Limits) {
        let now = self.now();
        for control in self.lock().by_id.values() {
            let closing_at = control.closing_at.load(Ordering::Relaxed);
            if closing_at == 0 {
                if let Some(limit) = control.close_overdue(now, limits) {
                    self.limit_hits.hit(limit);
                }
                if control.is_closing() {
                    control.closing_at.store(now.max(1), Ordering::Relaxed);
                }
            } else if exceeds(now, closing_at, limits.close_timeout) && control.kill() {
                self.limit_hits.hit(Limit::CloseTimeout);
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn exceeds(now: u64, since: u64, timeout: Duration) -> bool {
    u128::from(now.saturating_sub(since)) >= timeout.as_millis()
}

impl Control {
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(crate) fn set_logged_in(&self, logged_in: bool) {
        self.logged_in.store(logged_in, Ordering::Relaxed);
    }

    /// After a logout the time for a login begins anew.
    pub(crate) fn log_out(&self, connections: &Connections) {
        self.opened_at.store(connections.now(), Ordering::Relaxed);
        self.set_logged_in(false);
    }

    /// Asks the connection to end; the first reason counts.
    pub(crate) fn close(&self, goodbye: Goodbye) {
        self.goodbye
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(goodbye);
        self.waker.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.goodbye
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    pub(crate) fn goodbye(&self) -> Option<Goodbye> {
        self.goodbye
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    pub(crate) fn poll_killed(&self, cx: &Context<'_>) -> Poll<()> {
        self.kill_waker.register(cx.waker());
        if self.killed.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Answers whether nobody did before.
    fn kill(&self) -> bool {
        let first = !self.killed.swap(true, Ordering::AcqRel);
        self.kill_waker.wake();
        first
    }

    /// Closes a connection that had its time, and answers which.
    fn close_overdue(&self, now: u64, limits: &Limits) -> Option<Limit> {
        if self.is_closing() {
            return None;
        }
        let idle = exceeds(now, self.heard_at.load(Ordering::Relaxed), limits.idle_timeout);
        let is_logged_in = self.logged_in.load(Ordering::Relaxed);
        let (code, limit) = if is_logged_in && idle && !limits.idle_timeout.is_zero() {
            (GoodbyeCode::IdleTimeout, Limit::IdleTimeout)
        } else if !is_logged_in && exceeds(now, self.opened_at.load(Ordering::Relaxed), limits.login_timeout)
        {
            (GoodbyeCode::LoginTimeout, Limit::LoginTimeout)
        } else {
            return None;
        };
        self.close(Goodbye::new(code, None));
        Some(limit)
    }
}

/// Looks after all connections until the node stops.
pub(crate) async fn sweep(node: Arc<Node>) {
    let mut second = tokio::time::interval(Duration::from_secs(1).min(node.limits.login_timeout / 4));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while node.stop.run_until_cancelled(second.tick()).await.is_some() {
        node.connections.sweep(&node.limits);
    }
}
