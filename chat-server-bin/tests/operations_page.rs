//! `docs/operations.md` lists every setting with its default, and every metric, and no other.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const EXAMPLE: &str = include_str!("../config.example.toml");
const PAGE: &str = include_str!("../../docs/operations.md");
const GUIDE: &str = include_str!("../../docs/cluster.md");

/// Key and default of every line `key = value`, below its section.
fn settings_of_the_example() -> BTreeMap<String, String> {
    let mut section = String::new();
    let mut settings = BTreeMap::new();
    for line in EXAMPLE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((key, value)) = line.split_once(" = ") {
            settings.insert(format!("{section}{key}"), value.to_owned());
        }
    }
    settings
}

/// First and second cell of every row of the tables of settings.
fn settings_of_the_page() -> BTreeMap<String, String> {
    let tables = PAGE.split_once("## Settings").map_or("", |(_, rest)| rest);
    let tables = tables
        .split_once("## Exit codes")
        .map_or("", |(tables, _)| tables);
    let rows = tables.lines().filter_map(|line| {
        let (key, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
        let (value, _) = rest.split_once("` |")?;
        Some((key.to_owned(), value.to_owned()))
    });
    rows.collect()
}

#[test]
fn the_page_lists_every_setting_with_its_default() {
    let example = settings_of_the_example();
    assert!(example.contains_key("limits.max_frame"), "{example:?}");
    assert_eq!(settings_of_the_page(), example);
}

/// Names that begin with `chat_` and end as metrics do.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_lowercase() || character == '_';
    text.split(|character| !is_part(character))
        .filter(|word| word.starts_with("chat_"))
        .filter(|word| {
            ["_total", "_seconds", "_messages"]
                .iter()
                .any(|end| word.ends_with(end))
        })
        .map(str::to_owned)
        .collect()
}

/// Those that the sources below a folder name.
fn metrics_below(folder: &Path) -> BTreeSet<String> {
    let mut metrics = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources are here") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            metrics.extend(metrics_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            metrics.extend(metrics_in(&text));
        }
    }
    metrics
}

#[test]
fn the_page_lists_every_metric_and_the_guide_names_no_other() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = ["chat-core", "chat-adapters", "chat-server-bin"];
    let in_code: BTreeSet<_> = crates
        .iter()
        .flat_map(|name| metrics_below(&repository.join(name).join("src")))
        .collect();
    assert!(in_code.contains("chat_messages_stored_total"), "{in_code:?}");
    let (_, section) = PAGE.split_once("## Metrics").expect("the page has metrics");
    assert_eq!(metrics_in(section), in_code);
    let unknown: Vec<_> = metrics_in(GUIDE).difference(&in_code).cloned().collect();
    assert_eq!(unknown, [""; 0]);
}
