//! `docs/operations.md` lists every setting with its default, and no other.

use std::collections::BTreeMap;

const EXAMPLE: &str = include_str!("../config.example.toml");
const PAGE: &str = include_str!("../../docs/operations.md");

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
