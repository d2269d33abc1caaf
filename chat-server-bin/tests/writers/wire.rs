//! An asynchronous client that knows frames and JSON and nothing of the protocol.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a connection, or the sending of a frame, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a crowd connects: by TCP, or by TCP and by WebSocket in turns.
#[derive(Debug)]
pub(crate) struct Fronts {
    tcp: SocketAddr,
    websocket: Option<SocketAddr>,
    turn: AtomicUsize,
}

impl Fronts {
    pub(crate) const fn both(tcp: SocketAddr, websocket: SocketAddr) -> Self {
        Self {
            tcp,
            websocket: Some(websocket),
            turn: AtomicUsize::new(0),
        }
    }
}

impl From<SocketAddr> for Fronts {
    fn from(tcp: SocketAddr) -> Self {
        Self {
            tcp,
            websocket: None,
            turn: AtomicUsize::new(0),
        }
    }
}

/// A raw connection.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp {
        lines: Lines<BufReader<OwnedReadHalf>>,
        output: OwnedWriteHalf,
    },
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

impl Wire {
    pub(super) async fn connect(fronts: &Fronts) -> io::Result<Self> {
        let turn = fronts.turn.fetch_add(1, Ordering::Relaxed);
        match fronts.websocket.filter(|_| turn % 2 == 1) {
            None => {
                let (input, output) = stream(fronts.tcp).await?.into_split();
                let lines = BufReader::new(input).lines();
                Ok(Self::Tcp { lines, output })
            }
            Some(address) => {
                let stream = stream(address).await?;
                let opening = timeout(PATIENCE, client_async(format!("ws://{address}/ws"), stream)).await?;
                let (socket, _) = opening.map_err(io::Error::other)?;
                Ok(Self::WebSocket(Box::new(socket)))
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &Value) -> io::Result<()> {
        match self {
            Self::Tcp { output, .. } => {
                let line = format!("{frame}\n");
                timeout(PATIENCE, output.write_all(line.as_bytes())).await?
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

async fn stream(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn next_line(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<Value> {
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

async fn next_message(socket: &mut WebSocketStream<TcpStream>) -> Option<Value> {
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
