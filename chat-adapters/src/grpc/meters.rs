//! The metrics of the RPC, of both sides.

use chat_core::meters::Metric;

use super::{client, server};

/// Every metric of the RPC: those of a backend, and those of a node that calls backends.
pub const METRICS: &[Metric] = &[
    server::SERVED,
    server::SERVING_SECONDS,
    server::LATE,
    server::CONNECTIONS,
    server::CONNECTIONS_REFUSED,
    server::REQUESTS_REFUSED,
    server::ACCEPT_FAILURES,
    client::CALLS,
    client::RETRIES,
    client::CALL_SECONDS,
    client::BACKENDS,
    client::CONNECTIONS_LOST,
];
