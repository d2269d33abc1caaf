//! The table once, for pipes and scripts.

use std::io::{self, Write};

use chat_core::Timestamp;
use serde_json::{Map, Value, json};

use super::columns::Column;
use super::nodes::{Nodes, State};
use super::table::{Layout, Row, Sorting, rows};

/// Wide enough for every column.
const WIDTH: usize = 140;

/// Writes the table, or an object for each node.
pub(super) fn write(nodes: &Nodes, now: Timestamp, form: Form) -> io::Result<()> {
    let rows = rows(nodes, Sorting::of(Column::Node), now);
    let mut output = io::stdout().lock();
    match form {
        Form::Table => {
            let layout = Layout::new(WIDTH, &rows);
            writeln!(output, "{}", layout.titles())?;
            for row in &rows {
                writeln!(output, "{}", layout.row(row))?;
            }
            writeln!(output, "{}", layout.totals(&rows))?;
        }
        Form::Json => {
            for row in &rows {
                writeln!(output, "{}", Value::Object(object(row)))?;
            }
        }
    }
    output.flush()
}

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Table,
    Json,
}

/// A node's values by name; what is not known is left out.
fn object(row: &Row<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    for column in Column::ALL {
        let value = match column {
            Column::Node => Some(json!(row.name)),
            Column::State => Some(json!(row.state.name())),
            Column::Away => Some(json!(row.away.split_terminator(',').collect::<Vec<_>>())),
            column => column.number(row.node).map(whole),
        };
        if let Some(value) = value {
            object.insert(column.about().name.to_owned(), value);
        }
    }
    if let State::Silent(time) = row.state {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        object.insert("silent_ms".to_owned(), json!(millis));
    }
    object
}

/// A number without a fraction where it has none.
fn whole(number: f64) -> Value {
    let text = number.to_string();
    text.parse::<u64>()
        .map_or_else(|_| json!(number), |whole| json!(whole))
}
