//! Which records are shown.

use chat_core::Timestamp;
use chat_core::ports::{Level, LogRecord};
use chat_core::types::NodeId;

/// What a record must be to be shown. Nothing is asked where a list is empty.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) nodes: Vec<NodeId>,
    /// At least this.
    pub(super) level: Level,
    pub(super) events: Vec<Pattern>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Filter {
    /// Whether a record is shown.
    pub(super) fn takes(&self, record: &LogRecord) -> bool {
        self.concerns(record)
            && record.level >= self.level
            && (self.events.is_empty() || self.events.iter().any(|it| it.matches(&record.event)))
    }

    /// Whether a record is of the nodes and of the time that are asked for.
    pub(super) fn concerns(&self, record: &LogRecord) -> bool {
        (self.nodes.is_empty() || self.nodes.contains(&record.node))
            && self.since.is_none_or(|since| record.at >= since)
            && self.until.is_none_or(|until| record.at <= until)
    }
}

/// An event's name, in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Pattern {
    fn matches(&self, event: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = event.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        // The earliest place for each part leaves most for the parts after it.
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::logs::testing::record;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, event, expected) in [
            ("status", "status", true),
            ("status", "statuses", false),
            ("status", "a_status", false),
            ("session_*", "session_opened", true),
            ("session_*", "session", false),
            ("*_lost", "store_lost", true),
            ("*_lost", "store_lost_again", false),
            ("*", "", true),
            ("*o*t*", "node_started", true),
            ("n*d*d", "node_started", true),
            ("nod*ode", "node", false),
            ("", "status", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(
                Pattern(pattern.to_owned()).matches(event),
                expected,
                "{pattern} {event}"
            );
        }
    }

    #[test]
    fn every_filter_counts_and_all_of_them_together() {
        let all = Filter {
            nodes: Vec::new(),
            level: Level::Info,
            events: Vec::new(),
            since: None,
            until: None,
        };
        let record = LogRecord {
            level: Level::Warn,
            ..record("n1", 100)
        };
        assert!(all.takes(&record));
        let at = |millis| Some(Timestamp::from_millis(millis));
        let fitting = Filter {
            nodes: vec!["n2".parse().unwrap(), "n1".parse().unwrap()],
            level: Level::Warn,
            events: vec![Pattern("x".to_owned()), Pattern("sta*".to_owned())],
            since: at(100),
            until: at(100),
        };
        assert!(fitting.takes(&record));
        let but = |change: fn(&mut Filter)| {
            let mut filter = fitting.clone();
            change(&mut filter);
            filter.takes(&record)
        };
        assert!(!but(|filter| filter.nodes.truncate(1)));
        assert!(!but(|filter| filter.level = Level::Error));
        assert!(!but(|filter| filter.events.truncate(1)));
        assert!(!but(|filter| filter.since = Some(Timestamp::from_millis(101))));
        assert!(!but(|filter| filter.until = Some(Timestamp::from_millis(99))));
    }
}
