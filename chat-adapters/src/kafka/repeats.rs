//! Records that a node has written twice.

use std::collections::{HashMap, VecDeque};

use chat_core::Timestamp;
use chat_core::ports::LogRecord;
use chat_core::types::NodeId;

use super::settings::MOST_IN_FLIGHT;

/// Of so many nodes the numbers are known at a time.
const MOST_NODES: usize = 1_024;

/// Tells repeats: a producer that failed leaves what was not acknowledged to the next one, which sends it again.
///
/// A run of a node counts its records from 1, so a number that comes again is of the next run, or the same record: then
/// it has the same time. Nothing else is taken for a repeat, since a record shown twice does less harm than a lost one.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    nodes: HashMap<NodeId, Run>,
    /// How many records were looked at.
    looks: u64,
}

/// The last records of one run, by their ascending numbers.
#[derive(Debug, Default)]
struct Run {
    records: VecDeque<(u64, Timestamp)>,
    last_look: u64,
}

impl Repeats {
    /// Whether the record was here before.
    pub(super) fn is_repeat(&mut self, record: &LogRecord) -> bool {
        self.looks += 1;
        if !self.nodes.contains_key(&record.node) {
            self.make_room();
        }
        let run = self.nodes.entry(record.node.clone()).or_default();
        run.last_look = self.looks;
        run.is_repeat(record.number, record.at)
    }

    /// Forgets the node that has been silent for longest, where there are too many.
    fn make_room(&mut self) {
        if self.nodes.len() < MOST_NODES {
            return;
        }
        let silent = self.nodes.iter().min_by_key(|(_, run)| run.last_look);
        if let Some(silent) = silent.map(|(node, _)| node.clone()) {
            self.nodes.remove(&silent);
        }
    }
}

impl Run {
    fn is_repeat(&mut self, number: u64, at: Timestamp) -> bool {
        let goes_on = self.records.back().is_none_or(|(last, _)| *last < number);
        if !goes_on {
            let place = self.records.binary_search_by_key(&number, |(known, _)| *known);
            let known = place.ok().and_then(|place| self.records.get(place));
            if known.is_some_and(|(_, known)| *known == at) {
                return true;
            }
            // The node has started again.
            self.records.clear();
        }
        if self.records.len() == MOST_IN_FLIGHT {
            self.records.pop_front();
        }
        self.records.push_back((number, at));
        false
    }
}

#[cfg(test)]
mod tests {
    use chat_core::ports::Level;

    use super::*;

    fn record(node: &str, number: u64, millis: u64) -> LogRecord {
        LogRecord {
            at: Timestamp::from_millis(millis),
            node: NodeId::parse(node).unwrap(),
            number,
            level: Level::Info,
            event: "status".to_owned(),
            fields: serde_json::Map::new(),
        }
    }

    /// The numbers of those that are no repeats.
    fn kept(records: &[LogRecord]) -> Vec<(String, u64)> {
        let mut repeats = Repeats::default();
        let kept = records.iter().filter(|record| !repeats.is_repeat(record));
        kept.map(|record| (record.node.to_string(), record.number))
            .collect()
    }

    fn of(node: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<(String, u64)> {
        numbers
            .into_iter()
            .map(|number| (node.to_owned(), number))
            .collect()
    }

    #[test]
    fn what_was_sent_again_is_a_repeat() {
        let numbers = [1, 2, 3, 4, 2, 3, 4, 5, 5, 1, 6];
        let records = numbers.map(|number| record("n1", number, 1_000 + number));
        assert_eq!(kept(&records), of("n1", 1..=6));
    }

    #[test]
    fn the_next_run_of_a_node_is_no_repeat() {
        let first = (1..=3).map(|number| record("n1", number, 1_000 + number));
        // Its first record was dropped.
        let second = (2..=4).map(|number| record("n1", number, 2_000 + number));
        let records: Vec<_> = first.chain(second).collect();
        assert_eq!(kept(&records), of("n1", [1, 2, 3, 2, 3, 4]));
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_repeats_and_hides_none() {
        let records = [(1, 50), (2, 60), (3, 40), (4, 41), (3, 40), (4, 41), (5, 42)];
        let records = records.map(|(number, millis)| record("n1", number, millis));
        assert_eq!(kept(&records), of("n1", 1..=5));
    }

    #[test]
    fn nodes_have_numbers_of_their_own() {
        let records = [record("n1", 1, 5), record("n2", 1, 5), record("n1", 1, 5)];
        assert_eq!(kept(&records), [of("n1", [1]), of("n2", [1])].concat());
    }

    #[test]
    fn holes_are_no_repeats() {
        let records = [1, 5, 6, 20].map(|number| record("n1", number, 7));
        assert_eq!(kept(&records), of("n1", [1, 5, 6, 20]));
    }

    #[test]
    fn as_much_is_known_as_can_be_sent_again_and_no_more() {
        let mut repeats = Repeats::default();
        let most = MOST_IN_FLIGHT as u64;
        for number in 1..=2 * most {
            assert!(!repeats.is_repeat(&record("n1", number, number)));
        }
        let known = repeats.nodes.values().map(|run| run.records.len());
        assert_eq!(known.collect::<Vec<_>>(), [MOST_IN_FLIGHT]);
        assert!(repeats.is_repeat(&record("n1", most + 1, most + 1)));
    }

    #[test]
    fn the_nodes_that_are_known_are_bounded() {
        let mut repeats = Repeats::default();
        for number in 0..=MOST_NODES {
            repeats.is_repeat(&record(&format!("n{number}"), 1, 1));
        }
        assert_eq!(repeats.nodes.len(), MOST_NODES);
        assert!(
            repeats.is_repeat(&record("n1", 1, 1)),
            "a node that was heard of later is known"
        );
        assert!(
            !repeats.is_repeat(&record("n0", 1, 1)),
            "the one silent for longest is forgotten"
        );
    }
}
