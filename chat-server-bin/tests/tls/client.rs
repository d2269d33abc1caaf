//! A client by TLS that knows frames and JSON and nothing of the protocol.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// How long anything may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Connects, with a whole handshake.
pub(crate) fn shake_hands(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Stream> {
    let name = ServerName::from(IpAddr::from([127, 0, 0, 1]));
    let mut session = ClientConnection::new(config, name).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.set_write_timeout(Some(DEADLINE))?;
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}

pub(crate) enum Client {
    Tcp(Box<BufReader<Stream>>),
    WebSocket(Box<WebSocket<Stream>>),
}

impl Client {
    pub(crate) fn by_tcp(stream: Stream) -> Self {
        Self::Tcp(Box::new(BufReader::new(stream)))
    }

    pub(crate) fn by_websocket(stream: Stream, address: SocketAddr) -> Self {
        let (socket, _) = tungstenite::client(format!("wss://{address}/ws"), stream).unwrap();
        Self::WebSocket(Box::new(socket))
    }

    pub(crate) fn send(&mut self, frame: &Value) {
        match self {
            Self::Tcp(stream) => {
                let stream = stream.get_mut();
                stream.write_all(format!("{frame}\n").as_bytes()).unwrap();
                stream.flush().unwrap();
            }
            Self::WebSocket(socket) => socket.send(Message::text(frame.to_string())).unwrap(),
        }
    }

    /// The next frame; `None` where the server has ended the connection as it should.
    pub(crate) fn next_frame(&mut self) -> Option<Value> {
        let text = match self {
            Self::Tcp(stream) => {
                let mut line = String::new();
                // Without the last word of TLS this is an error.
                (stream.read_line(&mut line).unwrap() > 0).then_some(line)?
            }
            Self::WebSocket(socket) => match socket.read().unwrap() {
                Message::Text(text) => text.to_string(),
                Message::Close(_) => return None,
                other => panic!("no frame but {other:?}"),
            },
        };
        Some(serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn frame(&mut self) -> Value {
        self.next_frame().expect("the connection is open")
    }

    pub(crate) fn request(&mut self, request: &Value) -> Value {
        self.send(request);
        self.frame()
    }

    /// Registers and logs in; answers the user's id.
    pub(crate) fn begin_as(&mut self, name: &str) -> u64 {
        let mut ask = |kind| self.request(&json!({"type": kind, "name": name, "password": "correct horse"}));
        assert_eq!(ask("register")["type"], "registered");
        let welcome = ask("login");
        assert_eq!(self.frame()["type"], "synced");
        welcome["user"]["id"].as_u64().unwrap()
    }
}
