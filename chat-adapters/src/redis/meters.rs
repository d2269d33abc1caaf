//! The metrics of the bus and presence on Redis.

use chat_core::meters::{Label, Metric};

pub(super) const PUBLISHED: Metric = Metric::counter(
    "chat_redis_published_total",
    "Messages that Redis has taken, each with the notices that had gathered for its channel",
);
pub(super) const RECEIVED: Metric = Metric::counter(
    "chat_redis_received_total",
    "Messages that subscriptions have received",
);
pub(super) const SKIPPED: Metric = Metric::counter(
    "chat_redis_skipped_total",
    "Messages received, and notices in them, that this version cannot read",
)
.by(&[Label {
    name: "reason",
    values: &["version", "kind", "malformed"],
}]);
pub(super) const UNWANTED: Metric = Metric::counter(
    "chat_redis_unwanted_total",
    "Notices in messages received that are for nobody on this node",
);
pub(super) const PUSHES_DROPPED: Metric = Metric::counter(
    "chat_redis_pushes_dropped_total",
    "Notices beyond limits.bus_buffer, which is told as a gap",
);
pub(super) const GAPS: Metric = Metric::counter(
    "chat_redis_gaps_total",
    "Losses and returns of subscriptions, and calls that were given up",
);
pub(super) const RECONNECTS: Metric =
    Metric::counter("chat_redis_reconnects_total", "Subscriptions that have returned");
pub(super) const FOREIGN: Metric = Metric::counter(
    "chat_redis_foreign_channels_total",
    "Connections of subscriptions that found nodes with another number of channels",
);
pub(super) const CONNECTION_ATTEMPTS: Metric = Metric::counter(
    "chat_redis_connection_attempts_total",
    "Attempts to connect to a server",
);
pub(super) const CONNECTIONS_LOST: Metric = Metric::counter(
    "chat_redis_connections_lost_total",
    "Connections for calls that were lost",
);

/// Every metric of the bus and presence on Redis.
pub const METRICS: &[Metric] = &[
    PUBLISHED,
    RECEIVED,
    SKIPPED,
    UNWANTED,
    PUSHES_DROPPED,
    GAPS,
    RECONNECTS,
    FOREIGN,
    CONNECTION_ATTEMPTS,
    CONNECTIONS_LOST,
];
