//! What is known of each node, from its records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::LogRecord;
use chat_core::types::NodeId;

use super::status::{Rates, Status};
use crate::cli::text::visible;

/// The most nodes that are known at once.
const MOST_NODES: usize = 1_000;
/// How often a node says how it is, until its records show it.
const INTERVAL: Duration = Duration::from_secs(5);
/// What can be away.
const PARTS: [&str; 5] = ["store", "bus", "presence", "log", "registry"];
/// A node that told nothing for so many of its intervals is silent.
const SILENT_AFTER: u32 = 3;

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Ready,
    Starting,
    NotReady,
    Draining,
    Stopped,
    /// Nothing came from it for so long.
    Silent(Duration),
}

/// All nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<NodeId, Node>);

/// One of them.
#[derive(Debug)]
pub(super) struct Node {
    state: State,
    pub(super) status: Option<Status>,
    pub(super) rates: Option<Rates>,
    interval: Duration,
    /// When it last told something, by the clock here.
    seen: Timestamp,
    away: BTreeSet<&'static str>,
}

impl Nodes {
    /// Takes the next record, which is known since `seen`.
    pub(super) fn take(&mut self, record: LogRecord, seen: Timestamp) {
        if !self.0.contains_key(&record.node) && self.0.len() >= MOST_NODES {
            let longest_silent = self.0.iter().min_by_key(|(_, node)| node.seen);
            if let Some(name) = longest_silent.map(|(name, _)| name.clone()) {
                self.0.remove(&name);
            }
        }
        let node = self
            .0
            .entry(record.node.clone())
            .or_insert_with(|| Node::new(seen));
        node.seen = node.seen.max(seen);
        node.take(record);
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&NodeId, &Node)> {
        self.0.iter()
    }
}

impl Node {
    const fn new(seen: Timestamp) -> Self {
        Self {
            state: State::Starting,
            status: None,
            rates: None,
            interval: INTERVAL,
            seen,
            away: BTreeSet::new(),
        }
    }

    fn take(&mut self, record: LogRecord) {
        match record.event.as_str() {
            "status" => self.take_status(Status::of(record)),
            "node_started" => *self = Self::new(self.seen),
            "node_ready" => self.state = State::Ready,
            "node_draining" => self.state = State::Draining,
            "node_stopped" => self.state = State::Stopped,
            event => self.take_part(event),
        }
    }

    /// Something was lost or regained.
    fn take_part(&mut self, event: &str) {
        let part = |ending| {
            let name = event.strip_suffix(ending)?;
            PARTS.into_iter().find(|part| *part == name)
        };
        if let Some(part) = part("_lost") {
            self.away.insert(part);
        } else if let Some(part) = part("_regained") {
            self.away.remove(part);
        }
    }

    fn take_status(&mut self, status: Status) {
        self.state = match status.text("state") {
            Some("draining") => State::Draining,
            Some("not_ready") => State::NotReady,
            _ => State::Ready,
        };
        for part in PARTS.into_iter().filter(|part| *part != "registry") {
            if status.is(&format!("{part}_away")) {
                self.away.insert(part);
            } else {
                self.away.remove(part);
            }
        }
        let earlier = self.status.take();
        if let Some(time) = earlier.as_ref().and_then(|earlier| status.time_since(earlier)) {
            self.interval = time;
        }
        self.rates = earlier.and_then(|earlier| status.rates_since(&earlier));
        self.status = Some(status);
    }

    /// How it is at `now`.
    pub(super) fn state_at(&self, now: Timestamp) -> State {
        let silent = now.since(self.seen);
        match self.state {
            State::Stopped => State::Stopped,
            _ if silent > self.interval * SILENT_AFTER => State::Silent(silent),
            state => state,
        }
    }

    /// What is away, and why else it is not ready; harmless for a terminal.
    pub(super) fn away(&self) -> String {
        let reasons = self.status.iter().flat_map(|status| status.texts("not_ready"));
        let other = reasons.filter(|reason| !reason.ends_with("_away") && *reason != "draining");
        let all: Vec<String> = self.away.iter().copied().chain(other).map(visible).collect();
        all.join(",")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::logs::testing::record;

    fn take(nodes: &mut Nodes, at: u64, event: &str, fields: &serde_json::Value) {
        let mut record = record("n1", at);
        record.number = at;
        record.event = event.to_owned();
        record.fields = fields.as_object().unwrap().clone();
        let seen = record.at;
        nodes.take(record, seen);
    }

    fn at(nodes: &Nodes, millis: u64) -> (State, String) {
        let (_, node) = nodes.iter().next().unwrap();
        (node.state_at(Timestamp::from_millis(millis)), node.away())
    }

    #[test]
    fn a_node_is_what_it_said_last() {
        let (mut nodes, none) = (Nodes::default(), json!({}));
        let mut expect =
            |at_millis: u64, event: &str, fields: &serde_json::Value, state: State, away: &str| {
                take(&mut nodes, at_millis, event, fields);
                assert_eq!(at(&nodes, at_millis), (state, away.to_owned()), "{event}");
            };
        expect(1_000, "node_started", &none, State::Starting, "");
        expect(1_100, "node_ready", &none, State::Ready, "");
        expect(2_000, "store_lost", &none, State::Ready, "store");
        expect(2_100, "registry_lost", &none, State::Ready, "registry,store");
        let lost = json!({"state": "not_ready", "not_ready": ["store_away", "failed\u{1b}"], "store_away": true, "bus_away": true});
        expect(
            3_000,
            "status",
            &lost,
            State::NotReady,
            "bus,registry,store,failed\\u{1b}",
        );
        expect(
            3_500,
            "bus_regained",
            &none,
            State::NotReady,
            "registry,store,failed\\u{1b}",
        );
        expect(
            8_000,
            "status",
            &json!({"state": "ready"}),
            State::Ready,
            "registry",
        );
        expect(9_000, "registry_regained", &none, State::Ready, "");
        expect(9_100, "node_draining", &none, State::Draining, "");
        expect(9_200, "node_stopped", &none, State::Stopped, "");
        assert_eq!(at(&nodes, 900_000).0, State::Stopped, "and not silent");
    }

    #[test]
    fn a_node_that_tells_nothing_for_three_of_its_intervals_is_silent() {
        let (mut nodes, ready) = (Nodes::default(), json!({"state": "ready"}));
        take(&mut nodes, 10_000, "status", &ready);
        assert_eq!(at(&nodes, 25_000).0, State::Ready);
        assert_eq!(at(&nodes, 25_001).0, State::Silent(Duration::from_millis(15_001)));
        take(&mut nodes, 11_000, "status", &ready);
        assert_eq!(at(&nodes, 14_001).0, State::Silent(Duration::from_millis(3_001)));
    }
}
