//! The metrics of a backend.

use chat_core::meters::{Label, Metric};

use super::super::methods::NAMES;
use super::ended::Ended;

pub(in crate::grpc) const SERVED: Metric = Metric::counter(
    "chat_rpc_served_total",
    "Calls that this backend is done with, by how they ended",
)
.by(&[
    Label {
        name: "call",
        values: NAMES,
    },
    Label {
        name: "outcome",
        values: Ended::NAMES,
    },
]);
pub(in crate::grpc) const SERVING_SECONDS: Metric = Metric::seconds(
    "chat_rpc_serving_seconds",
    "The time from having read a request to having its answer: append stores messages, write is any other change",
)
.by(&[Label {
    name: "kind",
    values: &["append", "read", "write"],
}]);
pub(in crate::grpc) const LATE: Metric = Metric::counter(
    "chat_rpc_late_calls_total",
    "Calls that were not done because their callers had given them up before",
);
pub(in crate::grpc) const CONNECTIONS: Metric =
    Metric::gauge("chat_rpc_connections", "Connections of nodes that are open");
pub(in crate::grpc) const CONNECTIONS_REFUSED: Metric = Metric::counter(
    "chat_rpc_connections_refused_total",
    "Connections that were closed because there were too many (limit), they began too slowly (late), without a right \
     certificate (tls), with something else than HTTP/2 (preface), or broke its rules (http2)",
)
.by(&[Label {
    name: "reason",
    values: &["limit", "late", "tls", "preface", "http2"],
}]);
pub(in crate::grpc) const REQUESTS_REFUSED: Metric = Metric::counter(
    "chat_rpc_requests_refused_total",
    "Requests that no call came of: with too long headers, not whole in time (late), or with a message that is too \
     long or damaged, or for an unknown call",
)
.by(&[Label {
    name: "reason",
    values: &["headers", "late", "message"],
}]);
pub(in crate::grpc) const ACCEPT_FAILURES: Metric = Metric::counter(
    "chat_rpc_accept_failures_total",
    "Times at which no connection of a node could be accepted, for want of file descriptors or memory",
);
