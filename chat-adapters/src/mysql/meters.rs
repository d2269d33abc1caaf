//! The metrics of this store.

use chat_core::meters::{Label, Metric};

pub(super) const RETRIES: Metric = Metric::counter(
    "chat_mysql_retries_total",
    "Calls that were made again inside the store, before their deadline",
)
.by(&[Label {
    name: "reason",
    values: &["deadlock", "lock_timeout", "connection_lost"],
}]);
pub(super) const CONNECTIONS_MADE: Metric = Metric::counter(
    "chat_mysql_connections_made_total",
    "Connections made to the database",
);
pub(super) const CONNECTION_WAIT_SECONDS: Metric = Metric::seconds(
    "chat_mysql_connection_wait_seconds",
    "The time that a call waited for a connection, also where it got none",
);
pub(super) const CONNECTIONS_IN_USE: Metric = Metric::gauge(
    "chat_mysql_connections_in_use",
    "Connections that calls are using at this moment",
);
pub(super) const CONNECTIONS_LIMIT: Metric = Metric::gauge(
    "chat_mysql_connections_limit",
    "Connections that may be in use at once: mysql.max_connections",
);

/// Every metric of this store.
pub const METRICS: &[Metric] = &[
    RETRIES,
    CONNECTIONS_MADE,
    CONNECTION_WAIT_SECONDS,
    CONNECTIONS_IN_USE,
    CONNECTIONS_LIMIT,
];
