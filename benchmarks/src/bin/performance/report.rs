//! What `chat bench` says in JSON, as far as figures are made of it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// The result of one load.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    counts: BTreeMap<String, f64>,
    #[serde(default)]
    rates: BTreeMap<String, f64>,
    #[serde(default)]
    latency: BTreeMap<String, Latency>,
}

/// A latency, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
}

impl Report {
    pub(crate) fn parse(json: &str) -> anyhow::Result<Self> {
        serde_json::from_str(json)
            .with_context(|| format!("`chat bench` printed what is no result: {json:?}"))
    }

    pub(crate) fn count(&self, what: &str) -> anyhow::Result<f64> {
        let count = self.counts.get(what).copied();
        count.with_context(|| format!("`chat bench` did not count {what:?}"))
    }

    /// So many a second, as in `delivered`.
    pub(crate) fn rate(&self, what: &str) -> anyhow::Result<f64> {
        let rate = self.rates.get(&format!("{what}_per_second")).copied();
        rate.with_context(|| format!("`chat bench` did not measure the rate of {what:?}"))
    }

    /// How long something took, as in `send_to_message`.
    pub(crate) fn latency(&self, what: &str) -> anyhow::Result<Latency> {
        let latency = self.latency.get(what).copied();
        latency.with_context(|| format!("`chat bench` did not time {what:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let report = Report::parse(
            r#"{"scenario": "direct", "settings": {"window": 1}, "counts": {"sent": 12}, "rates": {"delivered_per_second": 3.5},
                "latency": {"send_to_message": {"p50_us": 400, "p99_us": 900, "max_us": 950, "histogram": "HIST"}}}"#,
        )
        .unwrap();
        assert_eq!(report.count("sent").unwrap(), 12.0);
        assert_eq!(report.rate("delivered").unwrap(), 3.5);
        assert_eq!(report.latency("send_to_message").unwrap().p99_us, 900.0);
        assert!(report.rate("sent").unwrap_err().to_string().contains("\"sent\""));
        assert!(Report::parse("a table").is_err());
    }
}
