//! What a node has written, as it is in its file and as it is in Kafka.

use std::collections::BTreeMap;

use chat_adapters::kafka::{Follow, KafkaLogReader, KafkaOptions};
use chat_core::ports::LogRecord;
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::harness::Cluster;

/// The records of one node since it started, in the order in which they were found.
#[derive(Clone, Debug)]
pub(super) struct Records(pub(super) Vec<LogRecord>);

impl Records {
    /// Those in the node's file.
    pub(super) fn in_file(cluster: &Cluster, node: usize) -> Self {
        let records = cluster.events(node).into_iter();
        Self(
            records
                .map(|record| serde_json::from_value(record).unwrap())
                .collect(),
        )
    }

    /// Those of each of the nodes in Kafka, which has no others.
    pub(super) fn in_kafka(url: &str, nodes: usize) -> Vec<Self> {
        let mut all = read(url);
        let of_node = |node: usize| {
            let name = format!("node-{}", node + 1);
            let records = all.extract_if(.., |record| record.node.as_str() == name);
            Self(records.collect())
        };
        let found = (0..nodes).map(of_node).collect();
        assert!(all.is_empty(), "of no node: {all:?}");
        found
    }

    /// How often each event happened.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for record in &self.0 {
            *counts.entry(record.event.clone()).or_default() += 1;
        }
        counts
    }

    /// All records of one event.
    pub(super) fn of(&self, event: &str) -> impl Iterator<Item = &LogRecord> {
        self.0.iter().filter(move |record| record.event == event)
    }

    /// A count of the last status.
    pub(super) fn now(&self, field: &str) -> u64 {
        let status = self.of("status").last();
        status.map_or(0, |status| number(status, field))
    }

    /// Whether the last status says that Kafka is away.
    pub(super) fn log_is_away(&self) -> bool {
        let status = self.of("status").last();
        status.is_some_and(|status| status.fields.get("log_away") == Some(&Value::Bool(true)))
    }

    /// Whether records were dropped since Kafka was lost last.
    pub(super) fn are_dropped(&self) -> bool {
        let since = self
            .0
            .iter()
            .rev()
            .take_while(|record| record.event != "log_lost");
        self.log_is_away() && since.into_iter().any(|record| record.event == "records_dropped")
    }

    /// They are counted from 1 without a hole.
    pub(super) fn are_whole(&self) {
        let numbers: Vec<u64> = self.0.iter().map(|record| record.number).collect();
        let expected: Vec<u64> = (1..).take(numbers.len()).collect();
        assert!(numbers == expected, "{numbers:?}");
    }

    /// These are some of the others, in the same order and the same in every word; answers how many are not here.
    pub(super) fn missing_of(&self, others: &Self) -> u64 {
        let mut rest = others.0.iter();
        for record in &self.0 {
            assert!(
                rest.any(|other| other == record),
                "out of order, there twice, or not what was written: {record:?}"
            );
        }
        (others.0.len() - self.0.len()).try_into().unwrap()
    }
}

/// A count among the fields of a record.
pub(super) fn number(record: &LogRecord, field: &str) -> u64 {
    let value = record.fields.get(field).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no {field} in {record:?}"))
}

/// All that Kafka has.
fn read(url: &str) -> Vec<LogRecord> {
    let reader = KafkaLogReader::open(KafkaOptions::parse(url).unwrap()).unwrap();
    let records = reader.read(None, Follow::No).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(records.map(Result::unwrap).collect())
}
