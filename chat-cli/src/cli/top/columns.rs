//! The columns of the table, and how their values are written.

use std::time::Duration;

use super::nodes::{Node, State};
use super::status::{Rates, Status};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Node,
    State,
    Sessions,
    Users,
    Sends,
    Deliveries,
    Requests,
    Errors,
    SendP50,
    SendP99,
    StoreP99,
    Waiting,
    Memory,
    Cpu,
    Away,
}

/// What a column is.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) title: &'static str,
    /// In `--json`.
    pub(super) name: &'static str,
    pub(super) width: usize,
    /// Sorts by it.
    pub(super) key: char,
    /// The columns of lower rank are left out first.
    rank: u8,
}

const fn about(title: &'static str, name: &'static str, width: usize, key: char, rank: u8) -> About {
    About {
        title,
        name,
        width,
        key,
        rank,
    }
}

impl Column {
    /// In the order in which they are shown.
    pub(super) const ALL: [Self; 15] = [
        Self::Node,
        Self::State,
        Self::Sessions,
        Self::Users,
        Self::Sends,
        Self::Deliveries,
        Self::Requests,
        Self::Errors,
        Self::SendP50,
        Self::SendP99,
        Self::StoreP99,
        Self::Waiting,
        Self::Memory,
        Self::Cpu,
        Self::Away,
    ];

    pub(super) const fn about(self) -> About {
        match self {
            Self::Node => about("NODE", "node", 8, 'n', 15),
            Self::State => about("STATE", "state", 10, 't', 14),
            Self::Sessions => about("SESS", "sessions", 6, 's', 13),
            Self::Sends => about("SEND/S", "sends_per_second", 6, 'm', 12),
            Self::SendP99 => about("P99", "send_p99_ms", 6, 'p', 11),
            Self::Away => about("AWAY", "away", 6, 'a', 10),
            Self::Deliveries => about("DELIV/S", "deliveries_per_second", 7, 'd', 9),
            Self::Errors => about("ERR/S", "errors_per_second", 6, 'e', 8),
            Self::Waiting => about("QUEUE", "waiting", 6, 'w', 7),
            Self::Memory => about("MEM", "memory_bytes", 5, 'y', 6),
            Self::Cpu => about("CPU", "cpu_cores", 5, 'c', 5),
            Self::Requests => about("REQ/S", "requests_per_second", 6, 'r', 4),
            Self::StoreP99 => about("STORE99", "store_p99_ms", 7, 'o', 3),
            Self::Users => about("USERS", "users", 6, 'u', 2),
            Self::SendP50 => about("P50", "send_p50_ms", 6, 'h', 1),
        }
    }

    /// The columns for which there is room, a space between them.
    pub(super) fn that_fit(width: usize) -> Vec<Self> {
        let mut by_rank = Self::ALL;
        by_rank.sort_by_key(|column| std::cmp::Reverse(column.about().rank));
        let mut left = width + 1;
        let mut fitting = Vec::new();
        for column in by_rank {
            let Some(rest) = left.checked_sub(column.about().width + 1) else {
                break;
            };
            left = rest;
            fitting.push(column);
        }
        fitting.sort_unstable();
        fitting
    }

    /// The column that this key sorts by.
    pub(super) fn of_key(key: char) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.about().key == key)
    }

    /// Whether its values are words rather than numbers.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Node | Self::State | Self::Away)
    }

    /// Whether the values of all nodes make a sum.
    pub(super) const fn adds_up(self) -> bool {
        !self.is_text() && !matches!(self, Self::SendP50 | Self::SendP99 | Self::StoreP99)
    }

    /// A node's number in it.
    pub(super) fn number(self, node: &Node) -> Option<f64> {
        let status = |field: &str| node.status.as_ref()?.number(field);
        let rate = |of: fn(&Rates) -> f64| node.rates.as_ref().map(of);
        match self {
            Self::Node | Self::State | Self::Away => None,
            Self::Sessions => status("sessions"),
            Self::Users => status("users"),
            Self::Sends => rate(|rates| rates.sends),
            Self::Deliveries => rate(|rates| rates.deliveries),
            Self::Requests => rate(|rates| rates.requests),
            Self::Errors => rate(|rates| rates.errors),
            Self::SendP50 => status("send_p50_ms"),
            Self::SendP99 => status("send_p99_ms"),
            Self::StoreP99 => status("store_p99_ms"),
            Self::Waiting => node.status.as_ref().and_then(Status::waiting),
            Self::Memory => status("memory_bytes"),
            Self::Cpu => status("cpu_cores"),
        }
    }

    /// A number in it, for people.
    pub(super) fn text(self, number: f64) -> String {
        match self {
            Self::Sessions | Self::Users | Self::Waiting => scaled(number, 1_000.0, 0),
            Self::Memory => scaled(number, 1_024.0, 0),
            Self::Cpu => format!("{number:.2}"),
            Self::SendP50 | Self::SendP99 | Self::StoreP99 if number < 10.0 => format!("{number:.2}"),
            _ => scaled(number, 1_000.0, 1),
        }
    }
}

/// A number of at most five characters: `7`, `123.4`, `9999`, `12k`, `1.2M`.
fn scaled(number: f64, step: f64, decimals: usize) -> String {
    let mut scaled = number;
    let mut units = ["", "k", "M", "G", "T"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while scaled >= 9_999.5 || step > 1_000.0 && scaled >= step {
        let Some(next) = units.next() else { break };
        scaled /= step;
        unit = next;
    }
    let decimals = match unit {
        "" if scaled >= 1_000.0 => 0,
        "" => decimals,
        _ if scaled < 9.95 => 1,
        _ => 0,
    };
    format!("{scaled:.decimals$}{unit}")
}

impl State {
    /// For people, in at most ten characters.
    pub(super) fn text(self) -> String {
        match self {
            Self::Ready => "ready".to_owned(),
            Self::Starting => "starting".to_owned(),
            Self::NotReady => "not ready".to_owned(),
            Self::Draining => "draining".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Silent(time) => format!("silent {}", short(time)),
        }
    }

    /// In `--json`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::NotReady => "not_ready",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Silent(_) => "silent",
        }
    }
}

/// A time in at most three characters: `17s`, `5m`, `3h`, `12d`.
fn short(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..100 => format!("{seconds}s"),
        seconds @ 100..6_000 => format!("{}m", seconds / 60),
        seconds @ 6_000..360_000 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", (seconds / 86_400).min(99)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighty_columns_hold_what_matters_and_wider_terminals_more() {
        let fitting = Column::that_fit(80);
        for column in [
            Column::Node,
            Column::State,
            Column::Sessions,
            Column::Sends,
            Column::Deliveries,
            Column::Errors,
            Column::SendP99,
            Column::Waiting,
            Column::Memory,
            Column::Away,
        ] {
            assert!(fitting.contains(&column), "{column:?}");
        }
        let width: usize = fitting.iter().map(|column| column.about().width + 1).sum();
        assert!(width <= 81);
        assert_eq!(Column::that_fit(200), Column::ALL);
        assert_eq!(Column::that_fit(20), [Column::Node, Column::State]);
        assert_eq!(Column::that_fit(3), []);
    }

    #[test]
    fn every_column_has_a_key_of_its_own() {
        for column in Column::ALL {
            assert_eq!(Column::of_key(column.about().key), Some(column));
            assert_ne!(column.about().key, 'q');
        }
    }

    #[test]
    fn numbers_are_short() {
        for (column, number, expected) in [
            (Column::Sessions, 0.0, "0"),
            (Column::Sessions, 9_999.0, "9999"),
            (Column::Sessions, 12_345.0, "12k"),
            (Column::Sends, 0.25, "0.2"),
            (Column::Sends, 999.96, "1000.0"),
            (Column::Sends, 1_234.5, "1234"),
            (Column::Sends, 107_000.0, "107k"),
            (Column::Memory, 123_456_789.0, "118M"),
            (Column::Memory, 1_288_490_188.8, "1.2G"),
            (Column::Cpu, 0.351, "0.35"),
            (Column::SendP99, 3.9, "3.90"),
            (Column::SendP99, 123.44, "123.4"),
        ] {
            assert_eq!(column.text(number), expected);
            assert!(expected.len() <= column.about().width);
        }
        for (seconds, expected) in [
            (99, "99s"),
            (100, "1m"),
            (5_999, "99m"),
            (6_000, "1h"),
            (9_999_999, "99d"),
        ] {
            let text = State::Silent(Duration::from_secs(seconds)).text();
            assert_eq!(text, format!("silent {expected}"));
        }
    }
}
