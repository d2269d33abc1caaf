//! The one place that every call passes: its deadline, its trace, its metrics, and its repetition.

use std::sync::Arc;
use std::time::Duration;

use chat_core::ports::Peer;
use chat_core::{BackendError, BackendErrorKind, Clock, chain};
use prost::Message;
use tokio::time::{Instant, timeout_at};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Status};
use tracing::Instrument as _;

use super::RemoteOptions;
use super::board::{Board, Chosen};
use super::codec::SharedCodec;
use super::meters::{CALL_SECONDS, CALLS, RETRIES};
use super::trace::Trace;
use crate::grpc::conversion::Wire;
use crate::grpc::failure;
use crate::grpc::methods::Method;
use crate::grpc::paced::Paced;

/// Makes calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) board: Arc<Board>,
    pub(super) options: RemoteOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) failures: Paced,
}

/// An attempt that failed.
struct Failed {
    peer: Arc<Peer>,
    connection: u64,
    error: BackendError,
}

impl Caller {
    /// Makes a call, twice where its class and its failure allow that, and answers before the time-out of calls.
    ///
    /// Cancel safe in the way of the ports: dropping it takes the call back where it has not begun, and leaves it
    /// done or not done.
    pub(super) async fn call<Asked, Answered, Value>(
        &self,
        method: &Method<Asked, Answered>,
        request: Asked,
    ) -> Result<Value, BackendError>
    where
        Asked: Message + 'static,
        Answered: Message + Default + 'static,
        Value: Wire<Answered>,
    {
        let trace = Trace::of((self.options.trace)());
        let span = tracing::debug_span!("rpc", call = method.name, trace_id = trace.id());
        let tally = Tally::new();
        let answered = self
            .repeated(method, Arc::new(request), &trace)
            .instrument(span)
            .await;
        let answered = answered.and_then(|message| Value::from_wire(message).map_err(Into::into));
        tally.ended(answered.as_ref().err().map(BackendError::kind));
        answered.inspect_err(|error| self.complain(method.name, &trace, error))
    }

    async fn repeated<Asked, Answered>(
        &self,
        method: &Method<Asked, Answered>,
        request: Arc<Asked>,
        trace: &Trace,
    ) -> Result<Answered, BackendError>
    where
        Asked: Message + 'static,
        Answered: Message + Default + 'static,
    {
        let deadline = Instant::now() + self.options.call_timeout;
        let Ok(chosen) = timeout_at(deadline, self.board.next(None)).await else {
            return Err(BackendError::not_done("no backend is connected"));
        };
        let first = match self
            .attempt(method, Arc::clone(&request), &chosen, trace, deadline)
            .await
        {
            Ok(answer) => return Ok(answer),
            Err(first) => first,
        };
        let kind = first.error.kind();
        let other = self.board.next(Some(first.connection));
        let chosen = match method.class.repeats(kind) {
            true => timeout_at(deadline, other).await.ok(),
            false => None,
        };
        let Some(chosen) = chosen else {
            return Err(first.into_error(method.class.verdict(kind, kind)));
        };
        RETRIES.count(&[label(kind)]).increment(1);
        let last = match self
            .attempt(method, Arc::clone(&request), &chosen, trace, deadline)
            .await
        {
            Ok(mut answer) => {
                if kind == BackendErrorKind::Unknown {
                    (method.settle)(&request, &mut answer);
                }
                return Ok(answer);
            }
            Err(last) => last,
        };
        let verdict = method.class.verdict(kind, last.error.kind());
        Err(last.into_error(verdict))
    }

    async fn attempt<Asked, Answered>(
        &self,
        method: &Method<Asked, Answered>,
        request: Arc<Asked>,
        chosen: &Chosen,
        trace: &Trace,
        deadline: Instant,
    ) -> Result<Answered, Failed>
    where
        Asked: Message + 'static,
        Answered: Message + Default + 'static,
    {
        let Chosen {
            peer,
            load,
            connection,
        } = chosen;
        tracing::debug!(backend = %peer.node, "calling");
        let under_way = load.begin();
        let remaining = deadline.saturating_duration_since(Instant::now());
        let request = self.prepared(request, trace, remaining);
        let limit = self.options.max_message;
        let mut client = Grpc::new(connection.channel.clone())
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit);
        let path = PathAndQuery::from_static(method.path);
        let asking = async {
            let ready = client.ready().await;
            ready.map_err(|error| Status::from_error(Box::new(error)))?;
            client.unary(request, path, SharedCodec::new()).await
        };
        // What is dropped is the call, whose stream is then reset.
        let answer = tokio::select! {
            biased;
            answer = timeout_at(deadline, asking) => answer,
            () = connection.lost.cancelled() => {
                under_way.failed();
                return Err(chosen.failed(BackendError::unknown("the connection to a backend broke during a call")));
            }
        };
        let error = match answer {
            Ok(Ok(answer)) => {
                under_way.answered();
                return Ok(answer.into_inner());
            }
            Ok(Err(status)) => failure::of_call(&status),
            Err(_) => BackendError::unknown("a backend did not answer in time"),
        };
        // A defect is answered as fast as anything else.
        match error.kind() {
            BackendErrorKind::Broken => under_way.answered(),
            BackendErrorKind::NotDone | BackendErrorKind::Unknown => under_way.failed(),
        }
        Err(chosen.failed(error))
    }

    /// A request with what goes beside its message.
    fn prepared<Asked>(
        &self,
        message: Arc<Asked>,
        trace: &Trace,
        remaining: Duration,
    ) -> Request<Arc<Asked>> {
        let mut request = Request::new(message);
        request.set_timeout(remaining);
        let expires = self.clock.now().after(remaining).as_millis();
        let metadata = request.metadata_mut();
        metadata.insert("chat-expires-at", AsciiMetadataValue::from(expires));
        if let Ok(trace) = trace.header().parse() {
            metadata.insert("traceparent", trace);
        }
        request
    }

    fn complain(&self, call: &'static str, trace: &Trace, error: &BackendError) {
        let Some(withheld) = self.failures.admit() else {
            return;
        };
        let (trace_id, outcome) = (trace.id(), label(error.kind()));
        let error = chain(error);
        tracing::warn!(
            call,
            trace_id,
            outcome,
            error,
            withheld,
            "a call to a backend failed"
        );
    }
}

impl Chosen {
    fn failed(&self, error: BackendError) -> Failed {
        Failed {
            peer: Arc::clone(&self.peer),
            connection: self.connection.number,
            error,
        }
    }
}

impl Failed {
    fn into_error(self, kind: BackendErrorKind) -> BackendError {
        let what = format!("the backend {} failed", self.peer.node);
        let error = match kind {
            BackendErrorKind::NotDone => BackendError::not_done(what),
            BackendErrorKind::Unknown => BackendError::unknown(what),
            BackendErrorKind::Broken => BackendError::broken(what),
        };
        error.because(self.error)
    }
}

const fn label(kind: BackendErrorKind) -> &'static str {
    match kind {
        BackendErrorKind::NotDone => "not_done",
        BackendErrorKind::Unknown => "may_have_happened",
        BackendErrorKind::Broken => "broken",
    }
}

/// Counts a call once it has ended, also where it was given up.
struct Tally {
    begun: Instant,
    outcome: &'static str,
}

impl Tally {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            outcome: "cancelled",
        }
    }

    fn ended(mut self, failure: Option<BackendErrorKind>) {
        self.outcome = failure.map_or("answered", label);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        CALLS.count(&[self.outcome]).increment(1);
        CALL_SECONDS.distribution(&[]).record(self.begun.elapsed());
    }
}
