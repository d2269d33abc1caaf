//! Records for tests.

use chat_core::Timestamp;
use chat_core::ports::{Level, LogRecord};

use super::entry::Entry;

/// A record of this node at this moment.
pub(crate) fn record(node: &str, at: u64) -> LogRecord {
    LogRecord {
        at: Timestamp::from_millis(at),
        node: node.parse().unwrap(),
        number: 1,
        level: Level::Info,
        event: "status".to_owned(),
        fields: serde_json::Map::new(),
    }
}

/// The same as it is read.
pub(crate) fn entry(node: &str, at: u64, number: u64) -> Entry {
    Entry::of(LogRecord {
        number,
        ..record(node, at)
    })
    .unwrap()
}
