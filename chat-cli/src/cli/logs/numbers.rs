//! Holes in the numbers of a node's records.

use std::num::NonZeroUsize;

use chat_core::ports::LogRecord;
use chat_core::types::NodeId;
use lru::LruCache;

/// Nodes of one source whose numbers are remembered.
const NODES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

/// Knows up to which number each node of a source has come.
#[derive(Debug)]
pub(super) struct Numbers(LruCache<NodeId, u64>);

impl Default for Numbers {
    fn default() -> Self {
        Self(LruCache::new(NODES))
    }
}

impl Numbers {
    /// Takes the next record of a source, and says how many of its node are missing before it. What
    /// was before the first record of a node is unknown. A node that starts again counts from 1 again.
    pub(super) fn missing_before(&mut self, record: &LogRecord) -> u64 {
        let Some(last) = self.0.put(record.node.clone(), record.number) else {
            return 0;
        };
        let expected = if record.number > last { last + 1 } else { 1 };
        record.number.saturating_sub(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::logs::testing::record;

    #[test]
    fn holes_are_counted_for_each_node_and_a_restart_is_none() {
        let mut numbers = Numbers::default();
        let mut missing = |node: &str, number: u64| {
            let mut record = record(node, 1);
            record.number = number;
            numbers.missing_before(&record)
        };
        assert_eq!(missing("n1", 40), 0, "what was before is unknown");
        assert_eq!(missing("n2", 1), 0);
        assert_eq!(missing("n1", 41), 0);
        assert_eq!(missing("n1", 54), 12);
        assert_eq!(missing("n2", 2), 0);
        assert_eq!(missing("n1", 1), 0, "it started again");
        assert_eq!(missing("n1", 2), 0);
        assert_eq!(missing("n2", 2), 1, "it started again, and the first one is lost");
    }
}
