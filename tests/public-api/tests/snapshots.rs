//! The public API is what is written down. `.ci/check-public-api` runs this; with `--write`, it writes it down.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chat_public_api::listing;

/// Where rustdoc wrote its files.
const FOLDER: &str = "CHAT_RUSTDOC_JSON";
/// Whether to write down what is there.
const WRITE: &str = "CHAT_WRITE_PUBLIC_API";

/// The lines of one that the other lacks, each after a sign.
fn only_in<'a>(one: &'a str, other: &str, sign: char) -> impl Iterator<Item = String> + use<'a> {
    let other: BTreeSet<String> = other.lines().map(str::to_owned).collect();
    let lines: BTreeSet<&str> = one.lines().collect();
    lines
        .into_iter()
        .filter(move |line| !other.contains(*line))
        .map(move |line| format!("{sign} {line}"))
}

fn is_as_written(library: &str) {
    let folder = std::env::var(FOLDER).expect("run .ci/check-public-api");
    let json = Path::new(&folder).join(format!("{}.json", library.replace('-', "_")));
    let api = listing(&json).expect("a file of rustdoc");
    assert!(api.lines().count() > 100, "{library} has next to nothing in it");
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{library}.txt"));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&snapshot, &api).expect("the snapshot is written");
        return;
    }
    let written = fs::read_to_string(&snapshot).expect("the snapshot is read");
    let changes: Vec<_> = only_in(&written, &api, '-')
        .chain(only_in(&api, &written, '+'))
        .collect();
    assert!(
        changes.is_empty(),
        "the public API of {library} changed:\n{}\nWhere that is meant, run `.ci/check-public-api --write`, and tell users in \
         CHANGELOG.md.",
        changes.join("\n")
    );
}

#[test]
fn the_api_of_chat_core_is_as_written() {
    is_as_written("chat-core");
}

#[test]
fn the_api_of_chat_adapters_is_as_written() {
    is_as_written("chat-adapters");
}
