//! The table as texts, for a screen and for a pipe alike.

use std::cmp::Ordering;

use chat_core::Timestamp;
use chat_core::types::NodeId;

use super::columns::Column;
use super::nodes::{Node, Nodes, State};

/// The longest a node's name is shown where there is room.
const LONGEST_NAME: usize = 24;
const NO_VALUE: &str = "-";

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    pub(super) column: Column,
    pub(super) direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
}

impl Sorting {
    /// Names and states rise at first, numbers fall.
    pub(super) const fn of(column: Column) -> Self {
        let direction = if column.is_text() {
            Direction::Rising
        } else {
            Direction::Falling
        };
        Self { column, direction }
    }

    /// What it becomes by a column's key.
    pub(super) fn chosen(self, column: Column) -> Self {
        if self.column != column {
            return Self::of(column);
        }
        let direction = match self.direction {
            Direction::Rising => Direction::Falling,
            Direction::Falling => Direction::Rising,
        };
        Self { column, direction }
    }
}

/// A node at one moment.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) name: &'a NodeId,
    pub(super) node: &'a Node,
    pub(super) state: State,
    pub(super) away: String,
}

/// The nodes at `now`, sorted; nodes without a value are last.
pub(super) fn rows(nodes: &Nodes, sorting: Sorting, now: Timestamp) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = nodes
        .iter()
        .map(|(name, node)| Row {
            name,
            node,
            state: node.state_at(now),
            away: node.away(),
        })
        .collect();
    rows.sort_by(|one, other| compare(one, other, sorting));
    rows
}

fn compare(one: &Row<'_>, other: &Row<'_>, sorting: Sorting) -> Ordering {
    let directed = |ordering: Ordering| match sorting.direction {
        Direction::Rising => ordering,
        Direction::Falling => ordering.reverse(),
    };
    match sorting.column {
        Column::Node => directed(one.name.cmp(other.name)),
        Column::State => directed(one.state.cmp(&other.state)),
        Column::Away => one
            .away
            .is_empty()
            .cmp(&other.away.is_empty())
            .then_with(|| directed(one.away.cmp(&other.away))),
        column => match (column.number(one.node), column.number(other.node)) {
            (Some(one), Some(other)) => directed(one.total_cmp(&other)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        },
    }
}

/// The columns that are shown, each with its width.
#[derive(Clone, Debug)]
pub(super) struct Layout(Vec<(Column, usize)>);

impl Layout {
    /// What fits into this width. Names take what is left, as far as they need it, and what is away the rest.
    pub(super) fn new(width: usize, rows: &[Row<'_>]) -> Self {
        let columns = Column::that_fit(width);
        let taken: usize = columns.iter().map(|column| column.about().width + 1).sum();
        let left = (width + 1).saturating_sub(taken);
        let longest = rows.iter().map(|row| row.name.as_str().len()).max().unwrap_or(0);
        let longest = longest.min(LONGEST_NAME);
        let for_names = longest.saturating_sub(Column::Node.about().width).min(left);
        let with_widths = columns.into_iter().map(|column| {
            let more = match column {
                Column::Node => for_names,
                Column::Away => left - for_names,
                _ => 0,
            };
            (column, column.about().width + more)
        });
        Self(with_widths.collect())
    }

    /// The titles.
    pub(super) fn titles(&self) -> String {
        self.line(|column| column.about().title.to_owned())
    }

    /// A node's line.
    pub(super) fn row(&self, row: &Row<'_>) -> String {
        self.line(|column| match column {
            Column::Node => row.name.as_str().to_owned(),
            Column::State => row.state.text(),
            Column::Away if row.away.is_empty() => NO_VALUE.to_owned(),
            Column::Away => row.away.clone(),
            column => written(column, column.number(row.node)),
        })
    }

    /// The sums over the nodes that are there.
    pub(super) fn totals(&self, rows: &[Row<'_>]) -> String {
        let is_there = |row: &&Row<'_>| !matches!(row.state, State::Stopped | State::Silent(_));
        self.line(|column| match column {
            Column::Node => "total".to_owned(),
            column if column.adds_up() => {
                let numbers = rows
                    .iter()
                    .filter(is_there)
                    .filter_map(|row| column.number(row.node));
                written(column, numbers.reduce(|one, other| one + other))
            }
            _ => String::new(),
        })
    }

    /// Texts to the left, numbers to the right; what does not fit is cut.
    fn line(&self, text: impl Fn(Column) -> String) -> String {
        let cells = self.0.iter().map(|(column, width)| {
            let text: String = text(*column).chars().take(*width).collect();
            if column.is_text() {
                format!("{text:width$}")
            } else {
                format!("{text:>width$}")
            }
        });
        let cells: Vec<String> = cells.collect();
        cells.join(" ").trim_end().to_owned()
    }
}

fn written(column: Column, number: Option<f64>) -> String {
    number.map_or_else(|| NO_VALUE.to_owned(), |number| column.text(number))
}

/// How many nodes are in which state: `3 nodes, 2 ready, 1 silent`.
pub(super) fn summary(rows: &[Row<'_>]) -> String {
    let mut parts = vec![match rows.len() {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    }];
    for name in ["ready", "starting", "not_ready", "draining", "stopped", "silent"] {
        let count = rows.iter().filter(|row| row.state.name() == name).count();
        if count > 0 {
            parts.push(format!("{count} {}", name.replace('_', " ")));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::logs::testing::record;

    /// Two statuses of each node, five seconds apart.
    fn nodes() -> Nodes {
        let mut nodes = Nodes::default();
        for (name, sessions, sends) in [("a", 3, 50), ("b", 7, 0), ("a-node-with-a-long-name", 5, 500)] {
            for step in 1..=2 {
                let mut record = record(name, step * 5_000);
                record.number = step;
                let fields = json!({"state": "ready", "sessions": sessions, "users": sessions, "sends_total": step * sends,
                    "deliveries_total": 0, "requests_total": 0, "errors_total": 0, "writer_waiting": 1, "log_waiting": 2,
                    "memory_bytes": 10 << 20, "bus_away": name == "b"});
                record.fields = fields.as_object().unwrap().clone();
                let seen = record.at;
                nodes.take(record, seen);
            }
        }
        nodes
    }

    const NOW: Timestamp = Timestamp::from_millis(10_000);

    fn order(nodes: &Nodes, sorting: Sorting) -> Vec<&str> {
        rows(nodes, sorting, NOW)
            .iter()
            .map(|row| row.name.as_str())
            .collect()
    }

    #[test]
    fn rows_are_sorted_by_the_column_that_is_chosen_and_the_other_way_round() {
        let nodes = nodes();
        let by_name = Sorting::of(Column::Node);
        assert_eq!(order(&nodes, by_name), ["a", "a-node-with-a-long-name", "b"]);
        let by_sessions = by_name.chosen(Column::Sessions);
        assert_eq!(order(&nodes, by_sessions), ["b", "a-node-with-a-long-name", "a"]);
        assert_eq!(
            order(&nodes, by_sessions.chosen(Column::Sessions)),
            ["a", "a-node-with-a-long-name", "b"]
        );
        assert_eq!(
            order(&nodes, Sorting::of(Column::Sends)).first(),
            Some(&"a-node-with-a-long-name")
        );
        assert_eq!(order(&nodes, Sorting::of(Column::Away)).first(), Some(&"b"));
    }

    #[test]
    fn the_table_has_its_columns_rows_and_totals() {
        let nodes = nodes();
        let rows = rows(&nodes, Sorting::of(Column::Node), NOW);
        let layout = Layout::new(80, &rows);
        assert_eq!(
            layout.titles().split_whitespace().collect::<Vec<_>>(),
            [
                "NODE", "STATE", "SESS", "SEND/S", "DELIV/S", "ERR/S", "P99", "QUEUE", "MEM", "AWAY"
            ]
        );
        let words = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let third = words(layout.row(&rows[2]));
        assert_eq!(
            third,
            ["b", "ready", "7", "0.0", "0.0", "0.0", "-", "3", "10M", "bus"]
        );
        let totals = words(layout.totals(&rows));
        assert_eq!(totals, ["total", "15", "110.0", "0.0", "0.0", "9", "30M"]);
        let wide = Layout::new(200, &rows);
        assert!(wide.row(&rows[1]).starts_with("a-node-with-a-long-name ready"));
        for width in 0..200 {
            let layout = Layout::new(width, &rows);
            assert!(layout.row(&rows[1]).len() <= width && layout.titles().len() <= width);
        }
        assert_eq!(summary(&rows), "3 nodes, 3 ready");
    }
}
