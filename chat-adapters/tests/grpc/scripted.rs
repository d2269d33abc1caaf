//! A backend that answers what a test tells it to, byte for byte, without any code of this crate's.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tonic::{Code, Status};

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The last part of its path: `Append`.
    pub(crate) method: String,
    pub(crate) metadata: HeaderMap,
    /// The message as it was encoded.
    pub(crate) message: Vec<u8>,
}

/// What comes of a call.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This encoded message.
    Message(Vec<u8>),
    /// This status, and no message.
    Status(Status),
    /// Nothing, as long as the connection lives.
    Silence,
    /// The connection ends.
    Cut,
}

/// What the health service of the backend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Serving,
    NotServing,
    /// It has none.
    Missing,
}

type Script = dyn Fn(Call) -> BoxFuture<'static, Answer> + Send + Sync;

/// A backend; dropping it ends its connections.
pub(crate) struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
    _tasks: JoinSet<()>,
}

struct Shared {
    script: Box<Script>,
    health: Health,
    calls: Mutex<Vec<Call>>,
    watches: AtomicUsize,
    connections: Mutex<JoinSet<()>>,
}

impl Scripted {
    /// A backend that answers each call like this at once.
    pub(crate) async fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(Health::Serving, move |call| {
            let answer = answer(&call);
            Box::pin(async move { answer })
        })
        .await
    }

    pub(crate) async fn with(
        health: Health,
        script: impl Fn(Call) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            health,
            calls: Mutex::default(),
            watches: AtomicUsize::new(0),
            connections: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let accepting = tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            accepting,
            _tasks: tasks,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The calls that came so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How often somebody began to watch how it is.
    pub(crate) fn watches(&self) -> usize {
        self.shared.watches.load(Ordering::SeqCst)
    }

    /// Takes no further connection, and breaks those that are open.
    pub(crate) fn die(&self) {
        self.accepting.abort();
        self.shared.cut();
    }
}

impl Shared {
    fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = serve(stream, Arc::clone(&shared));
        shared.connections.lock().unwrap().spawn(served);
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    // It ends with whatever the client does.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Frames>, Infallible> {
    let path = request.uri().path().to_owned();
    let metadata = request.headers().clone();
    if path.starts_with("/grpc.health.v1.Health/") {
        shared.watches.fetch_add(1, Ordering::SeqCst);
        let state = match shared.health {
            Health::Serving => vec![8, 1],
            Health::NotServing => vec![8, 2],
            Health::Missing => return Ok(refusal(&Status::unimplemented("there is no health service"))),
        };
        return Ok(response(Frames::one(&state, End::Open)));
    }
    let call = Call {
        method: path.rsplit('/').next().unwrap_or_default().to_owned(),
        metadata,
        message: message(request.into_body()).await,
    };
    shared.calls.lock().unwrap().push(call.clone());
    Ok(match (shared.script)(call).await {
        Answer::Message(message) => response(Frames::one(&message, End::Status)),
        Answer::Status(status) => refusal(&status),
        Answer::Silence => response(Frames::silence()),
        Answer::Cut => {
            shared.cut();
            response(Frames::silence())
        }
    })
}

fn response(frames: Frames) -> Response<Frames> {
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(frames).unwrap()
}

fn refusal(status: &Status) -> Response<Frames> {
    let mut response = response(Frames::default());
    status.add_header(response.headers_mut()).unwrap();
    response
}

/// The message in a request, without the five bytes before it.
async fn message(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    bytes.split_off(bytes.len().min(5))
}

/// The frames of a response, which then ends or stays open.
#[derive(Default)]
pub(crate) struct Frames {
    waiting: VecDeque<Frame<Bytes>>,
    open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Status,
    Open,
}

impl Frames {
    fn one(message: &[u8], end: End) -> Self {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(message);
        let mut waiting = VecDeque::from([Frame::data(Bytes::from(bytes))]);
        if end == End::Status {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            waiting.push_back(Frame::trailers(trailers));
        }
        Self {
            waiting,
            open: end == End::Open,
        }
    }

    fn silence() -> Self {
        Self {
            waiting: VecDeque::new(),
            open: true,
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.waiting.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.open => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// A status of this code whose details hold a reason of the RPC's domain.
pub(crate) fn refused(code: Code, reason: &str) -> Answer {
    use tonic_types::{ErrorDetails, StatusExt as _};
    let details = ErrorDetails::with_error_info(reason, "chat.backend.v1", std::collections::HashMap::new());
    Answer::Status(Status::with_error_details(code, "on command", details))
}

pub(crate) fn not_done() -> Answer {
    refused(Code::Unavailable, "NOT_DONE")
}

pub(crate) fn may_have_happened() -> Answer {
    refused(Code::Aborted, "MAY_HAVE_HAPPENED")
}

pub(crate) fn broken() -> Answer {
    refused(Code::Internal, "BROKEN")
}

/// Two backends of which the one that is asked first answers that once, and both answer empty messages otherwise.
pub(crate) async fn first_answers(answer: Answer) -> (Scripted, Scripted) {
    let asked = Arc::new(AtomicUsize::new(0));
    let script = || {
        let (asked, answer) = (Arc::clone(&asked), answer.clone());
        move |_: &Call| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => answer.clone(),
            _ => Answer::Message(Vec::new()),
        }
    };
    (Scripted::start(script()).await, Scripted::start(script()).await)
}
