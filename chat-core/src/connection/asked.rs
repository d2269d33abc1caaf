//! A request from its frame to its reply.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::error::ErrorCode;
use crate::node::{Node, REQUEST_TARGET, millis};
use crate::ports::Level;
use crate::protocol::{Reply, RequestType};
use crate::session::SessionHandle;

/// A request that was taken, and when.
#[derive(Debug)]
pub(super) struct Asked {
    request: RequestType,
    began_at: Instant,
    /// Holds ids and codes only. Disabled, and next to free, where nobody looks at this level.
    span: Span,
}

impl Asked {
    /// A request was taken, on a session where there is one.
    pub(super) fn take(
        node: &Node,
        request: RequestType,
        session: Option<&SessionHandle>,
        began_at: Instant,
    ) -> Self {
        node.meters.requests.taken(request);
        let span = tracing::debug_span!(
            target: REQUEST_TARGET,
            "request",
            request = request.as_str(),
            session = session.map(|session| session.id().get()),
            user = session.map(|session| session.user().id.get()),
            outcome = Empty,
        );
        Self {
            request,
            began_at,
            span,
        }
    }

    /// A call within the request's span.
    pub(super) fn trace<T: 'static>(&self, call: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        if self.span.is_disabled() {
            call
        } else {
            call.instrument(self.span.clone()).boxed()
        }
    }

    pub(super) const fn began_at(&self) -> Instant {
        self.began_at
    }

    /// Its reply is ready `now`; `None` where it gets none.
    pub(super) fn answered(
        self,
        node: &Node,
        session: Option<&SessionHandle>,
        reply: Option<&Reply>,
        now: Instant,
    ) {
        let duration = now.saturating_duration_since(self.began_at);
        node.meters.requests.answered(self.request, duration);
        let code = reply.and_then(code_of);
        if let Some(code) = code {
            node.meters.requests.failed(code);
        }
        self.span.record("outcome", code.map_or("ok", ErrorCode::as_str));
        if let Some(Reply::Welcome(welcome)) = reply {
            self.span.record("user", welcome.user.id.get());
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
