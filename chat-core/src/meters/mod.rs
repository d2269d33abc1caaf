//! What the chat counts and measures: every metric with its name, its labels and its meaning.
//!
//! The chat counts with the crate [`metrics`](https://docs.rs/metrics) and installs no recorder. An
//! application installs one of its choice, lets [`describe`] tell it of the metrics, and then starts
//! the node: a node asks for its counters once, when it starts.
//!
//! Several nodes in one process share one recorder: their counters add up, and a gauge shows the node
//! that was looked at last.
//!
//! ```
//! use chat_core::meters::{self, METRICS};
//!
//! // With no recorder installed this does nothing.
//! meters::describe(METRICS);
//! assert!(METRICS.iter().all(|metric| metric.name.starts_with("chat_")));
//! ```

pub(crate) mod catalogue;
mod metric;

pub use catalogue::METRICS;
pub use metric::{Label, Metric, MetricKind, MetricUnit};

/// Tells the installed recorder what metrics there are, and has it show each of them from the start:
/// whatever has not happened yet is 0, and not absent.
///
/// Call it after the recorder is installed. Safe to repeat.
pub fn describe(metrics: &[Metric]) {
    metrics.iter().for_each(Metric::describe);
}
