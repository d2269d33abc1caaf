//! What every call passes on its way to the store.

use std::sync::Arc;

use chat_core::{BackendError, BackendErrorKind, Clock, chain};
use hyper::HeaderMap;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::super::conversion::{Invalid, Wire};
use super::super::failure;
use super::super::methods::Method;
use super::super::paced::Paced;
use super::budget::{Deadline, text, trace_id};
use super::ended::Ended;
use super::meters::{LATE, SERVED, SERVING_SECONDS};

/// The moment after which a caller does not want its call any more, by its own clock.
const EXPIRES_AT: &str = "chat-expires-at";

/// Makes the calls of all services: within their time, counted, and with their failures in the log.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    clock: Arc<dyn Clock>,
    failures: Arc<Paced>,
}

impl Gate {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            failures: Arc::default(),
        }
    }

    /// Makes a call: `make` takes the arguments to the store. Dropping the future drops the store's.
    pub(super) async fn pass<Q, R, Arguments, Answer, Made>(
        &self,
        method: &Method<Q, R>,
        request: Request<Q>,
        make: impl FnOnce(Arguments) -> Made,
    ) -> Result<Response<R>, Status>
    where
        Arguments: Wire<Q>,
        Answer: Wire<R>,
        Made: Future<Output = Result<Answer, BackendError>>,
    {
        let (metadata, extensions, message) = request.into_parts();
        let headers = metadata.into_headers();
        let deadline = extensions
            .get()
            .copied()
            .unwrap_or_else(|| Deadline::of(&headers));
        let span = tracing::debug_span!("rpc", call = method.name, trace_id = trace_id(&headers));
        let pass = async {
            let mut under_way = UnderWay::new(method);
            let answer = match self.arguments(&headers, deadline, message) {
                Ok(arguments) => within(deadline, make(arguments)).await,
                Err(failure) => Err(failure),
            };
            under_way.ended = answer.as_ref().map_or_else(Failure::ended, |_| Ended::Answered);
            if let Err(failure) = &answer {
                self.tell(method.name, &headers, failure);
            }
            answer
        };
        match pass.instrument(span).await {
            Ok(answer) => Ok(Response::new(answer.to_wire())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// What the store is asked, unless it is too late to ask.
    fn arguments<Q, Arguments: Wire<Q>>(
        &self,
        headers: &HeaderMap,
        deadline: Deadline,
        message: Q,
    ) -> Result<Arguments, Failure> {
        let arguments = Arguments::from_wire(message)?;
        // Last of all, so that little time passes between the look at the clock and the call.
        let has_expired = match headers.get(EXPIRES_AT) {
            Some(_) => {
                let expires_at: u64 = text(headers, EXPIRES_AT)
                    .and_then(|text| text.parse().ok())
                    .ok_or(Failure::Expiry)?;
                self.clock.now().as_millis() >= expires_at
            }
            None => false,
        };
        if has_expired || Instant::now() >= deadline.0 {
            LATE.count(&[]).increment(1);
            return Err(Failure::Late);
        }
        Ok(arguments)
    }

    /// The other side tells of its own failure; `trace_id` brings the two together.
    fn tell(&self, call: &'static str, headers: &HeaderMap, failure: &Failure) {
        let Some(withheld) = self.failures.admit() else {
            return;
        };
        let (trace_id, outcome) = (trace_id(headers), failure.ended().name());
        let error = chain(failure);
        match failure.ended() {
            Ended::Broken => tracing::error!(call, trace_id, outcome, error, withheld, "a call failed"),
            Ended::Answered | Ended::NotDone | Ended::MayHaveHappened | Ended::Cancelled => {
                tracing::warn!(call, trace_id, outcome, error, withheld, "a call failed");
            }
        }
    }
}

async fn within<Answer>(
    deadline: Deadline,
    made: impl Future<Output = Result<Answer, BackendError>>,
) -> Result<Answer, Failure> {
    match timeout_at(deadline.0, made).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Unanswered),
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the request cannot be right")]
    Request(#[from] Invalid),
    #[error("the header `chat-expires-at` must be a number of milliseconds")]
    Expiry,
    #[error("the call came to its turn after its caller had given up; nothing was done")]
    Late,
    #[error("the store did not answer within the time of the call")]
    Unanswered,
    #[error("the store failed")]
    Store(#[from] BackendError),
}

impl Failure {
    const fn ended(&self) -> Ended {
        match self {
            Self::Request(_) | Self::Expiry => Ended::Broken,
            Self::Late => Ended::NotDone,
            Self::Unanswered => Ended::MayHaveHappened,
            Self::Store(error) => match error.kind() {
                BackendErrorKind::NotDone => Ended::NotDone,
                BackendErrorKind::Unknown => Ended::MayHaveHappened,
                BackendErrorKind::Broken => Ended::Broken,
            },
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Request(error) => error.into(),
            Failure::Expiry => failure::not_right(&failure.to_string()),
            Failure::Late => failure::not_done(&failure.to_string()),
            Failure::Unanswered => failure::too_late(&failure.to_string()),
            Failure::Store(error) => failure::of_store(&error),
        }
    }
}

/// Counts a call when it is over, also where its caller went away before.
struct UnderWay {
    call: &'static str,
    kind: &'static str,
    begin: Instant,
    ended: Ended,
}

impl UnderWay {
    fn new<Q, R>(method: &Method<Q, R>) -> Self {
        Self {
            call: method.name,
            kind: method.class.kind(),
            begin: Instant::now(),
            ended: Ended::Cancelled,
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.ended = Ended::Broken;
            tracing::error!(call = self.call, "a call has panicked");
        }
        SERVED.count(&[self.call, self.ended.name()]).increment(1);
        let seconds = SERVING_SECONDS.distribution(&[self.kind]);
        seconds.record(self.begin.elapsed().as_secs_f64());
    }
}
