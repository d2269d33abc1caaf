//! The port for what the servers do.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::types::NodeId;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Ordinary running state.
    Info,
    /// Something degrades or was limited.
    Warn,
    /// Something failed.
    Error,
}

/// One thing that a node did. Holds no password, no token and no message text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When.
    pub at: Timestamp,
    /// On which node.
    pub node: NodeId,
    /// The node's own count of its records, from 1 at its start: a hole is a lost record.
    pub number: u64,
    /// How much it matters.
    pub level: Level,
    /// What happened, in snake case, for example `session_opened`.
    pub event: String,
    /// Its details.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// How an event log is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStatus {
    /// Whether the last attempt to bring records to where they belong failed.
    pub is_away: bool,
    /// Records that wait to be brought there.
    pub waiting: usize,
    /// Records dropped so far.
    pub dropped: u64,
    /// The time from taking a record to its being where it belongs, of the last batch that got there.
    pub latency: Option<Duration>,
}

/// Where nodes write what they do, for operators to follow.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventLog: fmt::Debug + Send + Sync + 'static {
    /// Takes a record. Never waits: where its bounded buffer is full, the oldest record is dropped
    /// and counted. Records of one node keep their order.
    fn append(&self, record: LogRecord);

    /// How it is doing. Never waits.
    fn status(&self) -> LogStatus;

    /// Waits, at most `deadline`, until everything taken so far is where it belongs.
    async fn flush(&self, deadline: Duration) -> Result<(), BackendError>;
}
