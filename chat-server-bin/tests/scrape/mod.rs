//! What `/metrics` answers, and what `docs/metrics.md` says of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Server;
use crate::support::http::get;

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// One answer of `/metrics`.
pub(crate) struct Scrape {
    pub(crate) text: String,
    pub(crate) families: BTreeMap<String, Family>,
    samples: BTreeMap<String, f64>,
}

/// All series of one name.
#[derive(Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// Each label with each of its values, but for the bounds of buckets.
    pub(crate) labels: BTreeSet<(String, String)>,
}

impl Scrape {
    pub(crate) fn of(server: &Server) -> Self {
        let text = get(server.http(), "/metrics").body;
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut samples = BTreeMap::new();
        for line in text.lines() {
            if let Some((name, help)) = comment(line, "# HELP ") {
                families.entry(name).or_default().help = help;
            } else if let Some((name, kind)) = comment(line, "# TYPE ") {
                families.entry(name).or_default().kind = kind;
            } else if let Some((series, value)) = line.rsplit_once(' ') {
                samples.insert(series.to_owned(), value.parse().expect("a number"));
                let name = series.split('{').next().unwrap_or_default();
                let family = family_of(name, &families);
                if let Some(family) = families.get_mut(&family) {
                    family.labels.extend(labels_of(series));
                }
            }
        }
        Self {
            text,
            families,
            samples,
        }
    }

    /// The value of a series, written as in the answer.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.value_so_far(series)
            .unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The same of a series that is told from when there is something to tell.
    pub(crate) fn value_so_far(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// Checks that it is the text form of Prometheus: each sample belongs to a name whose type and meaning are
    /// told before it, and is told once; the buckets of a histogram grow up to its count.
    pub(crate) fn check_form(&self) {
        let mut told = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for line in self.text.lines().filter(|line| !line.is_empty()) {
            if let Some((name, kind)) = comment(line, "# TYPE ") {
                assert!(
                    ["counter", "gauge", "histogram"].contains(&kind.as_str()),
                    "{line}"
                );
                assert!(told.insert(name), "told twice: {line}");
            } else if !line.starts_with('#') {
                let (series, _) = line.rsplit_once(' ').expect("a series and a value");
                let name = series.split('{').next().unwrap_or_default();
                let family = family_of(name, &self.families);
                assert!(told.contains(&family), "before its type: {line}");
                assert!(
                    !self.families[&family].help.is_empty(),
                    "without a meaning: {line}"
                );
                assert!(seen.insert(series.to_owned()), "twice: {line}");
            }
        }
        let histograms = self
            .families
            .iter()
            .filter(|(_, family)| family.kind == "histogram");
        for (name, _) in histograms {
            let infinite = format!("{name}_bucket");
            let total: f64 = self.sum_of(&format!("{name}_count"), "");
            assert!(
                (self.sum_of(&infinite, "le=\"+Inf\"") - total).abs() < f64::EPSILON,
                "{name}"
            );
        }
    }

    fn sum_of(&self, name: &str, part: &str) -> f64 {
        let samples = self
            .samples
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(part));
        samples.map(|(_, value)| value).sum()
    }
}

fn comment(line: &str, start: &str) -> Option<(String, String)> {
    let (name, rest) = line.strip_prefix(start)?.split_once(' ')?;
    Some((name.to_owned(), rest.to_owned()))
}

fn family_of(name: &str, families: &BTreeMap<String, Family>) -> String {
    let ends = ["_bucket", "_sum", "_count"];
    let mut histograms = ends.iter().filter_map(|end| name.strip_suffix(end));
    let histogram = histograms.find(|name| {
        families
            .get(*name)
            .is_some_and(|family| family.kind == "histogram")
    });
    histogram.unwrap_or(name).to_owned()
}

fn labels_of(series: &str) -> Vec<(String, String)> {
    let labels = series.split_once('{').map_or("", |(_, labels)| labels);
    let labels = labels
        .trim_end_matches('}')
        .split(',')
        .filter_map(|label| label.split_once('='));
    let labels = labels.filter(|(name, _)| *name != "le");
    labels
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

/// What the page says of one metric.
#[derive(Clone, Debug)]
pub(crate) struct Documented {
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<(String, String)>,
    pub(crate) help: String,
}

/// The metrics of those sections of the page whose code this build has.
pub(crate) fn documented() -> BTreeMap<String, Documented> {
    let absent = |heading: &str| match heading {
        "chat-adapters: mysql" | "chat-adapters: redis" => !cfg!(feature = "cluster"),
        "chat-adapters: kafka" => !cfg!(feature = "kafka"),
        _ => false,
    };
    let sections = PAGE.split("\n## ").skip(1);
    let sections = sections.filter(|section| !absent(section.lines().next().unwrap_or_default()));
    let rows = sections
        .flat_map(str::lines)
        .filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> (String, Documented) {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [name, kind, _, labels, help] = cells[..] else {
        panic!("not five cells: {line}");
    };
    let labels = labels.split("; ").filter_map(|label| label.split_once(": "));
    let labels = labels.flat_map(|(name, values)| {
        let values = values
            .split(", ")
            .filter_map(|value| value.strip_prefix('`')?.strip_suffix('`'));
        values.map(|value| (name.trim_matches('`').to_owned(), value.to_owned()))
    });
    let documented = Documented {
        kind: kind.to_owned(),
        labels: labels.collect(),
        help: help.to_owned(),
    };
    (name.trim_matches('`').to_owned(), documented)
}
