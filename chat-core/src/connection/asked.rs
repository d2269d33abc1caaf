//! A request from its frame to its reply.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::ErrorCode;
use crate::node::{Node, millis};
use crate::ports::Level;
use crate::protocol::{Reply, RequestType};
use crate::session::SessionHandle;

/// A request that was taken, and when.
#[derive(Debug)]
pub(super) struct Asked {
    request: RequestType,
    began_at: Instant,
}

impl Asked {
    /// A request was taken.
    pub(super) fn take(node: &Node, request: RequestType, began_at: Instant) -> Self {
        node.meters.requests.taken(request);
        Self { request, began_at }
    }

    /// Its reply is ready; `None` where it gets none.
    pub(super) fn answered(self, node: &Node, session: Option<&SessionHandle>, reply: Option<&Reply>) {
        let duration = self.began_at.elapsed();
        node.meters.requests.answered(self.request, duration);
        let code = reply.and_then(code_of);
        if let Some(code) = code {
            node.meters.requests.failed(code);
        }
        let slow = node.limits.slow_request;
        if duration >= slow && !slow.is_zero() && node.slow_requests.take() {
            self.record_slow(node, duration, session, code);
        }
    }

    fn record_slow(
        &self,
        node: &Node,
        duration: Duration,
        session: Option<&SessionHandle>,
        code: Option<ErrorCode>,
    ) {
        let fields = [
            ("request", self.request.as_str().into()),
            ("duration_ms", millis(duration)),
            ("session", session.map(|session| session.id().get()).into()),
            ("user", session.map(|session| session.user().id.get()).into()),
            ("code", code.map(ErrorCode::as_str).into()),
        ];
        node.journal.record(Level::Warn, "request_slow", fields);
    }
}

fn code_of(reply: &Reply) -> Option<ErrorCode> {
    match reply {
        Reply::Error(error) => Some(error.code),
        _ => None,
    }
}
