//! The metrics of this transport.

use chat_core::meters::{Label, Metric, MetricUnit};

use super::introduction::Refusal;
use crate::link::Traffic;

pub(super) const BYTES_RECEIVED: Metric = Metric::counter(
    "chat_tcp_received_bytes_total",
    "Bytes read from clients, without the headers of load balancers and without what TLS adds",
)
.in_unit(MetricUnit::Bytes);
pub(super) const BYTES_SENT: Metric = Metric::counter(
    "chat_tcp_sent_bytes_total",
    "Bytes written to clients, without what TLS adds",
)
.in_unit(MetricUnit::Bytes);
pub(super) const REFUSED_HEADERS: Metric = Metric::counter(
    "chat_proxy_headers_refused_total",
    "Connections of load balancers that were closed because they did not begin with a right header",
)
.by(&[Label {
    name: "reason",
    values: Refusal::NAMES,
}]);
pub(super) const SILENT_REFUSALS: Metric = Metric::counter(
    "chat_tcp_silent_refusals_total",
    "Connections refused without a goodbye, because too many were being refused at that moment",
);
pub(super) const ACCEPT_FAILURES: Metric = Metric::counter(
    "chat_tcp_accept_failures_total",
    "Times at which no connection could be accepted, for want of file descriptors or memory",
);

/// Every metric of this transport.
pub const METRICS: &[Metric] = &[
    BYTES_RECEIVED,
    BYTES_SENT,
    REFUSED_HEADERS,
    SILENT_REFUSALS,
    ACCEPT_FAILURES,
];

/// What each connection counts.
pub(super) fn traffic() -> Traffic {
    Traffic {
        received: BYTES_RECEIVED.count(&[]),
        sent: BYTES_SENT.count(&[]),
    }
}
