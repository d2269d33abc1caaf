//! The result of a run, for machines.

use std::collections::BTreeMap;

use chat_core::protocol::ErrorReply;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::args::LoadArguments;
use super::latency::{Latencies, Latency};
use super::load::Ending;
use super::measure::Measure;
use super::view::Violations;
use crate::cli::Failure;

/// What a run did and how it went; several can be merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) scenario: String,
    /// Processes of which this is the result.
    pub(super) processes: u64,
    pub(super) settings: Map<String, Value>,
    /// The time that was measured.
    pub(super) seconds: f64,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) rates: BTreeMap<String, f64>,
    pub(super) latency: BTreeMap<String, Latency>,
    pub(super) violations: Violations,
    /// The share of a core that the load itself used; of several processes, the greatest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) processor_share: Option<f64>,
    /// The first of the requests that were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_refusal: Option<ErrorReply>,
}

impl Report {
    pub(super) fn new(scenario: &str, settings: Value, seconds: f64) -> Self {
        Self {
            scenario: scenario.to_owned(),
            processes: 1,
            settings: match settings {
                Value::Object(mut settings) => {
                    // What was not set says nothing.
                    settings.retain(|_, value| !value.is_null());
                    settings
                }
                _ => Map::new(),
            },
            seconds,
            counts: BTreeMap::new(),
            rates: BTreeMap::new(),
            latency: BTreeMap::new(),
            violations: Violations::default(),
            processor_share: None,
            first_refusal: None,
        }
    }

    /// Adds so many of something.
    pub(super) fn count(&mut self, what: &str, count: u64) {
        *self.counts.entry(what.to_owned()).or_default() += count;
    }

    /// Adds so many of something in the time that was measured.
    pub(super) fn rate(&mut self, what: &str, count: u64) {
        self.rates.insert(
            format!("{what}_per_second"),
            count as f64 / self.seconds.max(1e-9),
        );
    }

    pub(super) fn time(&mut self, what: &str, latencies: &Latencies) -> anyhow::Result<()> {
        self.latency.insert(what.to_owned(), latencies.summary()?);
        Ok(())
    }

    /// Adds what was counted and timed of messages, and how it ended.
    pub(super) fn take_messages(
        &mut self,
        measure: &Measure,
        ending: Ending,
        arguments: &LoadArguments,
    ) -> anyhow::Result<()> {
        self.count("sent", measure.sent.get());
        self.count("delivered", measure.delivered.get());
        self.count("delivered_late", measure.delivered_late.get());
        self.count("refused", measure.refused.get());
        self.count("unsent", ending.unsent);
        self.rate("delivered", measure.delivered_in_time.get());
        measure.report(self)?;
        self.processor_share = Some(measure.processor_share());
        if !arguments.unanswered {
            self.count("answered", measure.answered.get());
            self.count("unanswered", ending.unanswered);
            self.rate("sent", measure.answered_in_time.get());
        }
        self.violations.add(ending.violations);
        self.first_refusal = self.first_refusal.take().or_else(|| measure.first_refusal());
        Ok(())
    }

    pub(super) fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Whether it went well, and if not, why.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        if self.violations.total() > 0 {
            return Err(Failure::Violations);
        }
        if let Some(refusal) = &self.first_refusal {
            return Err(Failure::Client(chat_client::Error::Refused(refusal.clone())));
        }
        let unfinished = ["unanswered", "unsent"].map(|what| self.counts.get(what).copied().unwrap_or(0));
        if unfinished != [0, 0] {
            let [unanswered, unsent] = unfinished;
            return Err(Failure::Other(anyhow::anyhow!(
                "{unanswered} requests were not answered and {unsent} not even sent when patience ended; see how the server is, or lower the rate"
            )));
        }
        Ok(())
    }
}
