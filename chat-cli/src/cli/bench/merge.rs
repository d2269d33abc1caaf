//! Several results as one: of processes that put their load on the same servers at the same time.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value};

use super::report::Report;
use crate::cli::Failure;

/// Reads results and merges them.
pub(super) fn merge_files(files: &[PathBuf]) -> Result<Report, Failure> {
    let mut reports = files.iter().map(|file| {
        let read = || -> anyhow::Result<Report> { Ok(serde_json::from_str(&fs::read_to_string(file)?)?) };
        read().with_context(|| format!("{} is no result of `chat bench --json`", file.display()))
    });
    let first = reports.next().context("there is nothing to merge")??;
    Ok(reports.try_fold(first, |merged, report| merge(merged, &report?))?)
}

fn merge(mut merged: Report, other: &Report) -> anyhow::Result<Report> {
    if merged.scenario != other.scenario {
        anyhow::bail!(
            "the results are of different scenarios, {} and {}; merge those of one",
            merged.scenario,
            other.scenario
        );
    }
    merged.processes += other.processes;
    merged.seconds = merged.seconds.max(other.seconds);
    merge_settings(&mut merged.settings, &other.settings);
    for (what, count) in &other.counts {
        *merged.counts.entry(what.clone()).or_default() += count;
    }
    for (what, rate) in &other.rates {
        *merged.rates.entry(what.clone()).or_default() += rate;
    }
    for (what, latency) in &other.latency {
        let both = match merged.latency.get(what) {
            Some(latency_before) => latency_before.merged_with(latency)?,
            None => latency.clone(),
        };
        merged.latency.insert(what.clone(), both);
    }
    merged.violations.add(other.violations);
    let shares = [merged.processor_share, other.processor_share];
    merged.processor_share = shares.into_iter().flatten().reduce(f64::max);
    if merged.first_refusal.is_none() {
        merged.first_refusal.clone_from(&other.first_refusal);
    }
    Ok(merged)
}

/// What is set the same stays as it is; of what differs there are all values.
fn merge_settings(merged: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (name, value) in other {
        let both = match merged.remove(name) {
            None => value.clone(),
            Some(before) if before == *value => before,
            Some(Value::Array(mut values)) => {
                if !values.contains(value) {
                    values.push(value.clone());
                }
                Value::Array(values)
            }
            Some(before) => Value::Array(vec![before, value.clone()]),
        };
        merged.insert(name.clone(), both);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::bench::latency::Latencies;
    use crate::cli::bench::view::Violations;

    fn report(rate: u32, lost: u64, micros: u64) -> Report {
        let mut report = Report::new("direct", json!({"size": 100, "rate": rate}), 2.0);
        report.count("sent", 10);
        report.rate("sent", 10);
        let mut latencies = Latencies::new().unwrap();
        latencies.record(micros * 1_000);
        report.time("send_to_sent", &latencies).unwrap();
        report.processor_share = Some(f64::from(rate) / 10.0);
        report.violations = Violations {
            lost,
            ..Violations::default()
        };
        report
    }

    #[test]
    fn counts_rates_latencies_and_violations_are_added() {
        let merged = merge(report(5, 1, 100), &report(6, 2, 300)).unwrap();
        let merged = merge(merged, &report(6, 0, 200)).unwrap();
        assert_eq!(merged.processes, 3);
        assert_eq!(merged.counts["sent"], 30);
        assert!((merged.rates["sent_per_second"] - 15.0).abs() < 1e-9);
        let latency = &merged.latency["send_to_sent"];
        assert_eq!((latency.count, latency.p50_us, latency.max_us), (3, 200, 300));
        assert_eq!(merged.violations.lost, 3);
        assert_eq!(merged.processor_share, Some(0.6));
        assert_eq!(
            Value::Object(merged.settings),
            json!({"size": 100, "rate": [5, 6]})
        );
    }

    #[test]
    fn different_scenarios_do_not_go_together() {
        let mut other = report(5, 0, 1);
        other.scenario = "group".to_owned();
        assert!(merge(report(5, 0, 1), &other).is_err());
    }
}
