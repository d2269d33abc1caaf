//! `docs/metrics.md` lists every metric as the catalogues in the code have it, and no other.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use chat_core::meters::{Label, Metric};

const PAGE: &str = include_str!("../../docs/metrics.md");
const GUIDE: &str = include_str!("../../docs/cluster.md");

/// The catalogues that this build has, by their headings.
fn catalogues() -> Vec<(&'static str, &'static [Metric])> {
    vec![
        ("chat-core", chat_core::meters::METRICS),
        ("chat-adapters: tcp", chat_adapters::tcp::METRICS),
        ("chat-adapters: websocket", chat_adapters::websocket::METRICS),
        ("chat-adapters: tls", chat_adapters::tls::METRICS),
        #[cfg(feature = "cluster")]
        ("chat-adapters: mysql", chat_adapters::mysql::METRICS),
        #[cfg(feature = "cluster")]
        ("chat-adapters: redis", chat_adapters::redis::METRICS),
        #[cfg(feature = "grpc")]
        ("chat-adapters: grpc", chat_adapters::grpc::METRICS),
        #[cfg(feature = "grpc")]
        ("chat-adapters: zookeeper", chat_adapters::zookeeper::METRICS),
        #[cfg(feature = "kafka")]
        ("chat-adapters: kafka", chat_adapters::kafka::METRICS),
    ]
}

fn table(metrics: &[Metric]) -> String {
    let mut table =
        "| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for metric in metrics {
        let labels: Vec<_> = metric.labels.iter().map(label).collect();
        let labels = if labels.is_empty() {
            "–".to_owned()
        } else {
            labels.join("; ")
        };
        let (name, kind, unit, help) = (
            metric.name,
            metric.kind.as_str(),
            metric.unit.as_str(),
            metric.help,
        );
        writeln!(table, "| `{name}` | {kind} | {unit} | {labels} | {help} |").expect("texts take everything");
    }
    table
}

fn label(label: &Label) -> String {
    let values: Vec<_> = label.values.iter().map(|value| format!("`{value}`")).collect();
    format!("`{}`: {}", label.name, values.join(", "))
}

/// The rows of the table below a heading.
fn section(heading: &str) -> String {
    let heading = format!("\n## {heading}\n");
    let (_, rest) = PAGE
        .split_once(&heading)
        .expect("the page has a section for each catalogue");
    let section = rest.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| format!("{row}\n")).collect()
}

#[test]
fn the_page_lists_every_metric_as_the_code_has_it() {
    let mut wanted = String::new();
    for (heading, metrics) in catalogues() {
        let table = table(metrics);
        if section(heading) != table {
            wanted += &format!("\n## {heading}\n\n{table}");
        }
    }
    assert!(wanted.is_empty(), "docs/metrics.md should have\n{wanted}");
}

#[test]
fn names_tell_the_unit_and_a_counter() {
    for metric in catalogues().into_iter().flat_map(|(_, metrics)| metrics) {
        let name = metric.name;
        assert!(name.starts_with("chat_"), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind.as_str() == "counter",
            "{name}"
        );
        for unit in ["seconds", "bytes"] {
            let is_named = name.trim_end_matches("_total").ends_with(unit);
            assert_eq!(is_named, metric.unit.as_str() == unit, "{name}");
        }
        assert!(
            !metric.help.ends_with('.') && !metric.help.contains('|'),
            "{name}"
        );
    }
}

/// Texts in quotes, or in backquotes, that look like names of metrics.
fn names_in(text: &str, quote: char) -> BTreeSet<String> {
    let is_name = |word: &&str| {
        let known_start = word.starts_with("chat_");
        known_start && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    text.split(quote).filter(is_name).map(str::to_owned).collect()
}

/// Quoted names in the sources below a folder.
fn names_below(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources are here") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            names.extend(names_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            names.extend(names_in(&text, '"'));
        }
    }
    names
}

/// Whatever the features of this build are.
#[test]
fn the_page_has_every_name_in_the_sources_and_the_guide_has_no_other() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = ["chat-core", "chat-adapters", "chat-server-bin"];
    let in_code: BTreeSet<_> = crates
        .iter()
        .flat_map(|name| names_below(&repository.join(name).join("src")))
        .filter(|name| {
            ![
                "chat_",
                "chat_core",
                "chat_adapters",
                "chat_server",
                "chat_client",
            ]
            .contains(&name.as_str())
        })
        .collect();
    assert!(in_code.contains("chat_messages_stored_total"), "{in_code:?}");
    // What the server itself adds is compared with what it answers by HTTP.
    let (of_libraries, _) = PAGE
        .split_once("\n## chat-server\n")
        .expect("the server has a section");
    let in_page = names_in(of_libraries, '`');
    let unlisted: Vec<_> = in_code.difference(&in_page).collect();
    assert!(unlisted.is_empty(), "not in docs/metrics.md: {unlisted:?}");
    let gone: Vec<_> = in_page.difference(&in_code).collect();
    assert!(
        gone.is_empty(),
        "in docs/metrics.md and not in the code: {gone:?}"
    );
    let unknown: Vec<_> = names_in(GUIDE, '`').difference(&in_page).cloned().collect();
    assert_eq!(unknown, [""; 0]);
}
