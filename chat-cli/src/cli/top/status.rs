//! How a node said it is.

use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::LogRecord;
use serde_json::{Map, Value};

/// The queues of a status.
const QUEUES: [&str; 7] = [
    "writer_waiting",
    "acks_waiting",
    "notices_waiting",
    "presence_waiting",
    "passwords_waiting",
    "hooks_waiting",
    "log_waiting",
];

/// One status record.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) at: Timestamp,
    number: u64,
    fields: Map<String, Value>,
}

/// What happened a second, between two status records.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) sends: f64,
    pub(super) deliveries: f64,
    pub(super) requests: f64,
    pub(super) errors: f64,
}

impl Status {
    pub(super) fn of(record: LogRecord) -> Self {
        Self {
            at: record.at,
            number: record.number,
            fields: record.fields,
        }
    }

    /// A field that is a number.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.fields.get(field).and_then(Value::as_f64)
    }

    /// A field that is a text.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// Whether a field is `true`.
    pub(super) fn is(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
    }

    /// The texts of a field that is a list.
    pub(super) fn texts(&self, field: &str) -> impl Iterator<Item = &str> {
        let list = self.fields.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What waits in all queues; `None` where no queue is told of.
    pub(super) fn waiting(&self) -> Option<f64> {
        QUEUES
            .iter()
            .filter_map(|queue| self.number(queue))
            .reduce(|one, other| one + other)
    }

    /// The time since the status before; `None` where the node started in between, or the two are not in order.
    pub(super) fn time_since(&self, earlier: &Self) -> Option<Duration> {
        let has_restarted =
            self.number <= earlier.number || self.number("uptime_ms") < earlier.number("uptime_ms");
        let time = self.at.since(earlier.at);
        (!has_restarted && !time.is_zero()).then_some(time)
    }

    /// The rates since the status before; `None` where there are none.
    pub(super) fn rates_since(&self, earlier: &Self) -> Option<Rates> {
        let time = self.time_since(earlier)?.as_secs_f64();
        let rate = |field| {
            let grown = self.number(field).unwrap_or(0.0) - earlier.number(field).unwrap_or(0.0);
            (grown >= 0.0).then_some(grown / time)
        };
        Some(Rates {
            sends: rate("sends_total")?,
            deliveries: rate("deliveries_total")?,
            requests: rate("requests_total")?,
            errors: rate("errors_total")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::logs::testing::record;

    fn status(at: u64, number: u64, uptime: u64, total: u64) -> Status {
        let mut record = record("n1", at);
        record.number = number;
        let fields = json!({"uptime_ms": uptime, "sends_total": total, "deliveries_total": 2 * total,
            "requests_total": 3 * total, "errors_total": 0});
        record.fields = fields.as_object().unwrap().clone();
        Status::of(record)
    }

    #[test]
    fn rates_are_what_the_totals_grew_by_in_the_time_between() {
        let rates = status(15_000, 9, 11_000, 600).rates_since(&status(10_000, 4, 6_000, 100));
        let expected = Rates {
            sends: 100.0,
            deliveries: 200.0,
            requests: 300.0,
            errors: 0.0,
        };
        assert_eq!(rates, Some(expected));
    }

    #[test]
    fn a_node_that_started_again_has_no_rates_at_first() {
        let before = status(10_000, 400, 60_000, 100);
        for (why, after) in [
            ("fewer in total", status(15_000, 405, 65_000, 7)),
            ("a lower number", status(15_000, 2, 65_000, 700)),
            ("a shorter uptime", status(15_000, 405, 5_000, 700)),
            ("no time between", status(10_000, 405, 65_000, 700)),
        ] {
            assert_eq!(after.rates_since(&before), None, "{why}");
        }
    }
}
