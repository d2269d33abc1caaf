//! The metrics of this transport.

use chat_core::meters::{Label, Metric, MetricUnit};
use metrics::Gauge;

use super::handshake::Refusal;
use crate::link::Traffic;

const BYTES_RECEIVED: Metric = Metric::counter(
    "chat_websocket_received_bytes_total",
    "Bytes read from clients after their handshake",
)
.in_unit(MetricUnit::Bytes);
const BYTES_SENT: Metric = Metric::counter(
    "chat_websocket_sent_bytes_total",
    "Bytes written to clients after their handshake",
)
.in_unit(MetricUnit::Bytes);
const CONNECTIONS: Metric = Metric::gauge(
    "chat_websocket_connections",
    "Open connections, which are among all in `chat_connections`",
);
pub(super) const REFUSED: Metric = Metric::counter(
    "chat_websocket_refused_total",
    "Requests that were refused before they became connections",
)
.by(&[Label {
    name: "reason",
    values: Refusal::NAMES,
}]);
pub(super) const DEAD_PEERS: Metric = Metric::counter(
    "chat_websocket_dead_peers_total",
    "Connections that were cut off because a ping got no answer in time",
);

/// Every metric of this transport.
pub const METRICS: &[Metric] = &[BYTES_RECEIVED, BYTES_SENT, CONNECTIONS, REFUSED, DEAD_PEERS];

/// What each connection counts.
pub(super) fn traffic() -> Traffic {
    Traffic {
        received: BYTES_RECEIVED.count(&[]),
        sent: BYTES_SENT.count(&[]),
    }
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open(Gauge);

impl Open {
    pub(super) fn count() -> Self {
        let open = CONNECTIONS.level(&[]);
        open.increment(1);
        Self(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
