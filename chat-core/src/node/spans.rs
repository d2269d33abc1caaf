//! The spans of a node's work.

use tracing::{Span, debug_span};

use super::gate::Access;

/// The target of the spans of requests and of what they lead to, all at the level `DEBUG`: `request`,
/// `batch`, `store`, `bus` and `presence`. Their fields hold ids, numbers, types and codes only.
pub const REQUEST_TARGET: &str = "chat_core::request";

/// The span of a call to a backend. Calls of the hot path have spans of their own.
pub(super) fn of_call(backend: &str, access: Access) -> Span {
    let call = match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Append => return Span::none(),
    };
    match backend {
        "store" => debug_span!(target: REQUEST_TARGET, "store", call),
        "bus" => debug_span!(target: REQUEST_TARGET, "bus", call),
        _ => debug_span!(target: REQUEST_TARGET, "presence", call),
    }
}

/// The span of what is stored in one transaction, for as many sessions as sent it. It belongs to no
/// single request.
pub(super) fn of_batch(messages: usize) -> Span {
    debug_span!(target: REQUEST_TARGET, parent: None, "batch", messages)
}

/// The span of one attempt to store messages.
pub(super) fn of_append(messages: usize) -> Span {
    debug_span!(target: REQUEST_TARGET, "store", call = "append", messages)
}
