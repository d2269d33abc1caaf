//! The tasks of all connections of a backend, and of the calls on them.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use super::beginning::{Begun, Unfit, begin};
use super::entrance::Entrance;
use super::meters::CONNECTIONS;
use super::refusals::Refusals;
use super::tls::ServerTls;

/// The time in which the handshake of TLS and the first words of HTTP/2 have to come.
const BEGINNING: Duration = Duration::from_secs(5);
/// Calls at once on one connection; the peer keeps the others back.
const CALLS: u32 = 256;
/// Calls that a peer may take back before they were looked at: more than a node, which comes back to a backend that was
/// stopped, can have waiting.
const TAKEN_BACK: usize = 1_024;
/// What a peer may send of one call, and of all calls on its connection, before it waits for this side, in bytes: a large
/// batch comes without a pause, and many large ones do not fill the memory.
const CALL_WINDOW: u32 = 1024 * 1_024;
const CONNECTION_WINDOW: u32 = 4 * CALL_WINDOW;
/// What the library takes of headers before it answers by itself, in bytes. The entrance takes less, and tells the log.
const HEADER_BYTES: u32 = 64 * 1_024;
/// How often a peer is asked whether it is still there, and the time in which it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// What all connections share.
#[derive(Debug)]
struct Shared {
    routes: Routes,
    tls: Option<ServerTls>,
    refusals: Arc<Refusals>,
    calls: Calls,
    /// Cancelled when nothing new is taken any more.
    draining: CancellationToken,
}

/// The tasks of all connections; dropping it ends them and every call.
#[derive(Debug)]
pub(super) struct Connections {
    shared: Arc<Shared>,
    limit: usize,
    open: JoinSet<()>,
    _stop_calls: DropGuard,
}

impl Connections {
    pub(super) fn new(routes: Routes, tls: Option<ServerTls>, limit: usize) -> Self {
        let calls = Calls::default();
        Self {
            limit,
            open: JoinSet::new(),
            _stop_calls: calls.stop.clone().drop_guard(),
            shared: Arc::new(Shared {
                routes,
                tls,
                refusals: Arc::default(),
                calls,
                draining: CancellationToken::new(),
            }),
        }
    }

    pub(super) fn start(&mut self, socket: TcpStream, peer: SocketAddr) {
        if self.open.len() < self.limit {
            let shared = Arc::clone(&self.shared);
            self.open.spawn(async move { shared.serve(socket, peer).await });
        } else {
            let why = format_args!("there are {} already", self.limit);
            self.shared.refusals.connection(peer, "limit", &why);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits until a connection has ended, where there is one. Cancel safe, as `join_next` is.
    pub(super) async fn ended(&mut self) {
        if let Some(Err(error)) = self.open.join_next().await {
            report(&error);
        }
    }

    /// Lets calls that are under way end, for so long, and cuts off the rest.
    pub(super) async fn drain(mut self, deadline: Duration) {
        self.shared.draining.cancel();
        let ends = async {
            while !self.is_empty() {
                self.ended().await;
            }
        };
        if timeout(deadline, ends).await.is_err() {
            tracing::warn!(
                connections = self.open.len(),
                "calls that were still under way at the end were cut off"
            );
        }
        self.open.shutdown().await;
        self.shared.calls.stop.cancel();
        self.shared.calls.tasks.close();
        self.shared.calls.tasks.wait().await;
    }
}

fn report(error: &JoinError) {
    tracing::error!(%error, "the task of a node's connection failed; its connection is closed");
}

impl Shared {
    async fn serve(self: Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let begun = tokio::select! {
            () = self.draining.cancelled() => return,
            begun = timeout(BEGINNING, begin(socket, self.tls.as_ref())) => begun,
        };
        match begun {
            Ok(Ok(begun)) => self.answer(begun, peer).await,
            Ok(Err(Unfit::Gone)) => tracing::debug!(%peer, "a connection ended before it began"),
            Ok(Err(unfit @ Unfit::Tls(_))) => self.refusals.connection(peer, "tls", &unfit),
            Ok(Err(unfit @ Unfit::Preface { .. })) => self.refusals.connection(peer, "preface", &unfit),
            Err(_) => {
                let why = format_args!("it did not begin within {BEGINNING:?}");
                self.refusals.connection(peer, "late", &why);
            }
        }
    }

    async fn answer(&self, begun: Begun, peer: SocketAddr) {
        let _open = Open::count();
        let entrance = Entrance {
            routes: self.routes.clone(),
            peer,
            refusals: Arc::clone(&self.refusals),
        };
        let connection = http2::Builder::new(self.calls.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(CALLS)
            .max_pending_accept_reset_streams(TAKEN_BACK)
            .initial_stream_window_size(CALL_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(TokioIo::new(begun), entrance);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.draining.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        match ended {
            Ok(()) => {}
            Err(error) if breaks_the_rules(&error) => {
                self.refusals.connection(peer, "http2", &chat_core::chain(&error));
            }
            Err(error) => tracing::debug!(%peer, error = chat_core::chain(&error), "a connection was lost"),
        }
    }
}

/// Whether this side has ended a connection because of what came over it.
fn breaks_the_rules(error: &hyper::Error) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes
        .filter_map(|error| error.downcast_ref::<h2::Error>())
        .any(|error| error.is_library() && error.is_go_away())
}

/// Counts a connection while it is open.
struct Open;

impl Open {
    fn count() -> Self {
        CONNECTIONS.level(&[]).increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        CONNECTIONS.level(&[]).decrement(1.0);
    }
}

/// Runs the calls of connections, each as a task that ends with its connection.
#[derive(Clone, Debug, Default)]
struct Calls {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Calls {
    fn execute(&self, call: F) {
        self.tasks
            .spawn(self.stop.clone().run_until_cancelled_owned(call));
    }
}
