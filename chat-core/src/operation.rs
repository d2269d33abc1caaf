//! What operators ask of a node, and what its host decides of what they are told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whether a node should be sent clients, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Everything that speaks against it; empty where nothing does.
    pub reasons: Vec<NotReady>,
}

impl Readiness {
    /// Whether nothing speaks against sending clients to the node.
    pub const fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Why a node should not be sent clients.
///
/// Without its bus, presence or event log a node works on with less, and stays ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotReady {
    /// It shuts down.
    Draining,
    /// The store does not answer.
    StoreAway,
    /// One of its tasks has failed because of a defect.
    Failed,
}

impl NotReady {
    /// The reason in one word, as in the status record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::StoreAway => "store_away",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeRole {
    /// Users have their sessions on it.
    #[default]
    Clients,
    /// It watches its store and tells how it is doing, for a process that serves the store to other
    /// nodes. It admits no connection and opens no session, and never calls its bus and its presence,
    /// so that those of [`memory`](crate::memory) do. What it writes into the store is what tells
    /// whether the store can be written, and changes nothing.
    Backend,
}

impl NodeRole {
    /// The role in one word, as in the event log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Backend => "backend",
        }
    }
}

impl fmt::Display for NodeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the event log holds of users' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamesInLog {
    /// A part of the SHA-256 of the form in which names are compared: it tells whether two records are
    /// of one name, and can be guessed from a list of names.
    #[default]
    Hashed,
    /// Nothing.
    Omitted,
}

/// What the node's process uses of its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, in bytes, where it is known.
    pub memory_bytes: Option<u64>,
    /// The processors' time consumed since the process began, where it is known.
    pub cpu: Option<Duration>,
}

/// How the host tells of its process.
#[derive(Clone)]
pub(crate) struct UsageSource(Arc<dyn Fn() -> Usage + Send + Sync>);

impl UsageSource {
    pub(crate) fn new(usage: impl Fn() -> Usage + Send + Sync + 'static) -> Self {
        Self(Arc::new(usage))
    }

    pub(crate) fn now(&self) -> Usage {
        (self.0)()
    }
}

impl Default for UsageSource {
    fn default() -> Self {
        Self::new(Usage::default)
    }
}

impl fmt::Debug for UsageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsageSource")
    }
}
