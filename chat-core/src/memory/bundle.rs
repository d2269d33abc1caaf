//! All ports in memory at once.

use std::sync::Arc;

use super::{MemoryBus, MemoryLog, MemoryPresence, MemoryStore};
use crate::clock::{Clock, SystemClock};
use crate::ports::{Backends, Stores};

/// What the nodes of one in-memory chat share, each part by its own type.
///
/// Tests keep it to look behind the ports; a program that does not look needs only [`backends`].
///
/// ```
/// use chat_core::memory::MemoryBackends;
///
/// let shared = MemoryBackends::default();
/// let (one_node, other_node) = (shared.backends(), shared.backends());
/// # let _ = (one_node, other_node);
/// assert!(shared.log.records().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct MemoryBackends {
    /// All six stores.
    pub store: Arc<MemoryStore>,
    /// The bus.
    pub bus: Arc<MemoryBus>,
    /// Who is online.
    pub presence: Arc<MemoryPresence>,
    /// What the nodes did last.
    pub log: Arc<MemoryLog>,
    /// The time of day, for the nodes and for the store.
    pub clock: Arc<dyn Clock>,
}

impl MemoryBackends {
    /// An empty chat whose time is told by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Arc::new(MemoryStore::new(Arc::clone(&clock))),
            bus: Arc::default(),
            presence: Arc::default(),
            log: Arc::default(),
            clock,
        }
    }

    /// The bundle as a node takes it; every bundle from here shares the same parts.
    pub fn backends(&self) -> Backends {
        Backends {
            stores: Stores::of(Arc::clone(&self.store)),
            bus: Arc::clone(&self.bus) as _,
            presence: Arc::clone(&self.presence) as _,
            log: Arc::clone(&self.log) as _,
            clock: Arc::clone(&self.clock),
        }
    }
}

impl Default for MemoryBackends {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

/// Everything a node stands on, in memory, empty, by the system's clock.
///
/// Clones share it, so several nodes can stand on one.
pub fn backends() -> Backends {
    MemoryBackends::default().backends()
}
