//! The metrics of the calls to backends.

use chat_core::meters::{Label, Metric};

pub(in crate::grpc) const CALLS: Metric = Metric::counter(
    "chat_rpc_calls_total",
    "Calls to backends that ended, their repetition included",
)
.by(&[Label {
    name: "outcome",
    values: &["answered", "not_done", "may_have_happened", "broken", "cancelled"],
}]);
pub(in crate::grpc) const RETRIES: Metric = Metric::counter(
    "chat_rpc_retries_total",
    "Calls that were made again, by what the first attempt came to",
)
.by(&[Label {
    name: "after",
    values: &["not_done", "may_have_happened"],
}]);
pub(in crate::grpc) const CALL_SECONDS: Metric = Metric::seconds(
    "chat_rpc_call_seconds",
    "The time that a call to a backend took, waiting for one and its repetition included",
);
pub(in crate::grpc) const BACKENDS: Metric =
    Metric::gauge("chat_rpc_backends", "Backends that are known, by their state").by(&[Label {
        name: "state",
        values: &["serving", "not_serving", "away"],
    }]);
pub(in crate::grpc) const CONNECTIONS_LOST: Metric = Metric::counter(
    "chat_rpc_connections_lost_total",
    "Connections to backends that broke",
);
