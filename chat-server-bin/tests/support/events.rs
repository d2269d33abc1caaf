//! What a server recorded in a file of its event log.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The whole lines of a file; none where there is no file.
///
/// # Panics
/// Where a line is not JSON.
pub fn events(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    events_in(&text)
}

/// The whole lines of a text.
///
/// # Panics
/// Where a line is not JSON.
pub fn events_in(text: &str) -> Vec<Value> {
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// The file that this one became when it was renamed for the `number`th time.
pub fn older(file: &Path, number: usize) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The nodes' own counts of these records.
pub fn numbers(events: &[Value]) -> Vec<u64> {
    let numbers = events.iter().map(|event| event["number"].as_u64());
    numbers
        .map(|number| number.expect("every record has a number"))
        .collect()
}
