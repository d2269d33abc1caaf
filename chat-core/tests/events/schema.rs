//! The tables of `docs/log.md`, and whether records are as they say.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::ports::{Level, LogRecord};

const PAGE: &str = include_str!("../../../docs/log.md");

/// Events that a host writes, and not the core.
const OF_THE_HOST: &[&str] = &[
    "node_ready",
    "registry_lost",
    "registry_regained",
    "settings_reloaded",
    "traced",
];

/// What one event looks like.
#[derive(Debug, Default)]
struct Shape {
    levels: Vec<Level>,
    required: BTreeSet<String>,
    optional: BTreeSet<String>,
}

/// All events, by name.
#[derive(Debug)]
pub(crate) struct Schema(BTreeMap<String, Shape>);

impl Schema {
    /// As the page has it.
    pub(crate) fn of_the_page() -> Self {
        let mut events = BTreeMap::new();
        for row in rows("## Events") {
            let [names, levels, fields] = row[..] else {
                panic!("{row:?}")
            };
            for name in quoted(names) {
                let mut shape = Shape {
                    levels: levels.split(", ").map(level).collect(),
                    ..Shape::default()
                };
                shape.take_fields(fields);
                events.insert(name.to_owned(), shape);
            }
        }
        let status = events.get_mut("status").expect("the page has it");
        for row in rows("## Status") {
            let [names, meaning] = row[..] else {
                panic!("{row:?}")
            };
            let fields = if meaning.contains("left out") {
                &mut status.optional
            } else {
                &mut status.required
            };
            fields.extend(quoted(names).map(str::to_owned));
        }
        Self(events)
    }

    /// Events that the core writes.
    pub(crate) fn events_of_the_core(&self) -> BTreeSet<&str> {
        let events = self.0.keys().map(String::as_str);
        events.filter(|event| !OF_THE_HOST.contains(event)).collect()
    }

    /// Every field that an event can have.
    pub(crate) fn fields(&self, event: &str) -> BTreeSet<&str> {
        let shape = &self.0[event];
        shape
            .required
            .iter()
            .chain(&shape.optional)
            .map(String::as_str)
            .collect()
    }

    /// Fails where a record is not as the page says.
    pub(crate) fn check(&self, record: &LogRecord) {
        let shape = self.0.get(&record.event);
        let shape = shape.unwrap_or_else(|| panic!("the page has no {record:?}"));
        assert!(shape.levels.contains(&record.level), "{record:?}");
        for field in &shape.required {
            assert!(record.fields.contains_key(field), "no {field}: {record:?}");
        }
        for field in record.fields.keys() {
            let is_known = shape.required.contains(field) || shape.optional.contains(field);
            assert!(is_known, "{field}: {record:?}");
        }
    }
}

impl Shape {
    /// Takes the fields of a cell such as "`count` since the last, `total`; `code` where it failed".
    fn take_fields(&mut self, cell: &str) {
        let cell = without_parentheses(cell);
        // What follows a colon are values, or what a field is.
        for part in cell.split(';').filter_map(|part| part.split(':').next()) {
            for field in part.split(',') {
                let fields = if field.contains(" where ") {
                    &mut self.optional
                } else {
                    &mut self.required
                };
                fields.extend(quoted(field).map(str::to_owned));
            }
        }
    }
}

/// The cells of the rows of the first table below a heading.
fn rows(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = PAGE.split_once(heading).expect("the page has the section");
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn without_parentheses(text: &str) -> String {
    let parts = text.split('(');
    let parts = parts.map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    parts.collect()
}

fn level(name: &str) -> Level {
    serde_json::from_value(name.into()).expect("a level")
}
