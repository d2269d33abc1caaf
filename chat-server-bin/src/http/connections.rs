//! Connections of the side door: few, short, one request each. Those that become a WebSocket leave it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use chat_adapters::tls::ServerTls;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 512;
/// What the head of a request may take.
const HEAD_BYTES: usize = 16 * 1_024;
/// The time in which the head of a request has to come.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The time that a connection may last after its handshake.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// What is under way at the end gets this time.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// The pause after a connection could not be accepted, for want of descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers until `stop`, then ends what is under way.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    routes: Router,
    stop: CancellationToken,
) {
    let mut answering = JoinSet::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Cancel safe: a connection is accepted or stays in the system's queue, and a permit that is dropped is free
        // again.
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = answering.join_next() => {
                tell_failure(&ended);
                continue;
            }
            accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (listener.accept().await, permit)
            } => accepted,
        };
        match accepted {
            (Ok((stream, peer)), permit) => {
                let routes = routes.clone().layer(Extension(ConnectInfo(peer)));
                let tls = tls.clone();
                answering.spawn(async move {
                    answer(stream, peer, tls, routes).await;
                    drop(permit);
                });
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a connection of the HTTP side door was not accepted");
                sleep(PAUSE).await;
            }
        }
    }
    let rest = async {
        while let Some(ended) = answering.join_next().await {
            tell_failure(&ended);
        }
    };
    // Dropping the set cuts off who is still there.
    let _ = timeout(LAST_MOMENT, rest).await;
}

/// Answers one request, and is done with a connection that becomes a WebSocket. Whatever goes wrong on the way is the
/// peer's doing.
async fn answer(stream: TcpStream, peer: SocketAddr, tls: Option<ServerTls>, routes: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection of the HTTP side door ended before it began");
        return;
    }
    match tls {
        None => converse(stream, routes).await,
        Some(tls) => {
            if let Some(stream) = tls.accept(stream, peer.ip().to_canonical()).await {
                converse(stream, routes).await;
            }
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, routes: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    match timeout(CONNECTION_TIME, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection of the HTTP side door ended early"),
        Err(_) => tracing::debug!("a connection of the HTTP side door lasted too long"),
    }
}

fn tell_failure(ended: &Result<(), JoinError>) {
    if ended.is_err() {
        tracing::error!(task = "http", "an answer of the HTTP side door has failed");
    }
}
