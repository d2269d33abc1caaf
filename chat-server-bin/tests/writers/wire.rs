//! An asynchronous client that knows frames and JSON and nothing of the protocol.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a connection, or the sending of a frame, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket, encrypted or not.
pub(super) trait Socket: AsyncRead + AsyncWrite + Debug + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Socket for S {}

/// A socket of any kind.
pub(super) type BoxedSocket = Box<dyn Socket>;

/// Where a crowd connects: by TCP, or by TCP and by WebSocket in turns.
#[derive(Debug)]
pub(crate) struct Fronts {
    tcp: SocketAddr,
    websocket: Option<SocketAddr>,
    tls: Option<Arc<ClientConfig>>,
    turn: AtomicUsize,
}

impl Fronts {
    pub(crate) const fn both(tcp: SocketAddr, websocket: SocketAddr) -> Self {
        Self {
            tcp,
            websocket: Some(websocket),
            tls: None,
            turn: AtomicUsize::new(0),
        }
    }

    /// The same by TLS, with a look at the certificate.
    pub(crate) fn encrypted(self, trusting: Arc<ClientConfig>) -> Self {
        Self {
            tls: Some(trusting),
            ..self
        }
    }

    async fn stream(&self, address: SocketAddr) -> io::Result<BoxedSocket> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let Some(tls) = self.tls.clone() else {
            return Ok(Box::new(stream));
        };
        let host = ServerName::from(IpAddr::from([127, 0, 0, 1]));
        let handshake = TlsConnector::from(tls).connect(host, stream);
        Ok(Box::new(timeout(PATIENCE, handshake).await??))
    }
}

impl From<SocketAddr> for Fronts {
    fn from(tcp: SocketAddr) -> Self {
        Self {
            tcp,
            websocket: None,
            tls: None,
            turn: AtomicUsize::new(0),
        }
    }
}

/// A raw connection.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp {
        lines: Lines<BufReader<ReadHalf<BoxedSocket>>>,
        output: WriteHalf<BoxedSocket>,
    },
    WebSocket(Box<WebSocketStream<BoxedSocket>>),
}

impl Wire {
    pub(super) async fn connect(fronts: &Fronts) -> io::Result<Self> {
        let turn = fronts.turn.fetch_add(1, Ordering::Relaxed);
        match fronts.websocket.filter(|_| turn % 2 == 1) {
            None => {
                let (input, output) = tokio::io::split(fronts.stream(fronts.tcp).await?);
                let lines = BufReader::new(input).lines();
                Ok(Self::Tcp { lines, output })
            }
            Some(address) => {
                let stream = fronts.stream(address).await?;
                let scheme = if fronts.tls.is_some() { "wss" } else { "ws" };
                let url = format!("{scheme}://{address}/ws");
                let opening = timeout(PATIENCE, client_async(url, stream)).await?;
                let (socket, _) = opening.map_err(io::Error::other)?;
                Ok(Self::WebSocket(Box::new(socket)))
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &Value) -> io::Result<()> {
        match self {
            Self::Tcp { output, .. } => {
                let line = format!("{frame}\n");
                let written = async {
                    output.write_all(line.as_bytes()).await?;
                    output.flush().await
                };
                timeout(PATIENCE, written).await?
            }
            Self::WebSocket(socket) => {
                let message = Message::text(frame.to_string());
                let sent = timeout(PATIENCE, socket.send(message)).await?;
                sent.map_err(io::Error::other)
            }
        }
    }

    /// The next frame; `None` where the connection has ended. Giving it up loses nothing.
    pub(super) async fn next_frame(&mut self) -> Option<Value> {
        match self {
            Self::Tcp { lines, .. } => next_line(lines).await,
            Self::WebSocket(socket) => next_message(socket).await,
        }
    }

    /// Sends a request, and answers the next frame that carries its `ref`.
    pub(super) async fn request(&mut self, request: &Value) -> Value {
        self.send(request).await.expect("the server reads");
        loop {
            let frame = self.next_frame().await.expect("the connection is open");
            if frame["ref"] == request["ref"] {
                return frame;
            }
        }
    }
}

async fn next_line(lines: &mut Lines<BufReader<ReadHalf<BoxedSocket>>>) -> Option<Value> {
    let line = lines.next_line().await.ok()??;
    match serde_json::from_str(&line) {
        Ok(frame) => Some(frame),
        Err(error) => {
            // A server that was killed may leave half a line.
            let rest = lines.next_line().await.ok().flatten();
            assert!(rest.is_none(), "{line:?}: {error}");
            None
        }
    }
}

async fn next_message(socket: &mut WebSocketStream<BoxedSocket>) -> Option<Value> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => {
                let frame = serde_json::from_str(&text);
                return Some(frame.unwrap_or_else(|error| panic!("{text:?}: {error}")));
            }
            Message::Close(_) => return None,
            _ => {}
        }
    }
}
