//! The metrics of TLS.

use chat_core::meters::{Label, Metric, MetricUnit};

use super::failure::OUTCOMES;

pub(super) const HANDSHAKES: Metric = Metric::counter(
    "chat_tls_handshakes_total",
    "Handshakes with clients, by how they ended",
)
.by(&[Label {
    name: "outcome",
    values: OUTCOMES,
}]);
pub(super) const RELOADS: Metric = Metric::counter(
    "chat_tls_certificate_reloads_total",
    "Times at which the files of the certificate were read with something new in them, by whether it was taken",
)
.by(&[Label {
    name: "outcome",
    values: &["replaced", "refused"],
}]);
pub(super) const EXPIRES: Metric = Metric::gauge(
    "chat_tls_certificate_expires_timestamp_seconds",
    "Until when the certificate in use is valid, in seconds since the Unix epoch; 0 without TLS",
)
.in_unit(MetricUnit::Seconds);

/// Every metric of TLS.
pub const METRICS: &[Metric] = &[HANDSHAKES, RELOADS, EXPIRES];
