//! A client that knows frames and nothing of the protocol.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chat_test_services::Authority;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tungstenite::{Message, WebSocket};

use super::Front;

/// How long a frame may take; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Who signs the certificates of servers that speak TLS.
pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::default);

/// A socket, encrypted or not.
pub(super) trait Socket: Debug + Read + Write + Send {}
impl<S: Debug + Read + Write + Send> Socket for S {}

/// One connection.
#[derive(Debug)]
pub(super) enum Client {
    Tcp(BufReader<Box<dyn Socket>>),
    WebSocket(Box<WebSocket<Box<dyn Socket>>>),
}

impl Client {
    pub(super) fn connect(front: Front) -> Result<Self> {
        Ok(match front {
            Front::Tcp(address) => Self::by_tcp(Box::new(stream(address)?)),
            Front::Tls(address) => Self::by_tcp(encrypted(address)?),
            Front::WebSocket(address) => Self::by_websocket("ws", address, Box::new(stream(address)?))?,
            Front::SecureWebSocket(address) => Self::by_websocket("wss", address, encrypted(address)?)?,
        })
    }

    fn by_tcp(socket: Box<dyn Socket>) -> Self {
        Self::Tcp(BufReader::new(socket))
    }

    fn by_websocket(scheme: &str, address: SocketAddr, socket: Box<dyn Socket>) -> Result<Self> {
        let url = format!("{scheme}://{address}/ws");
        let (socket, _) = tungstenite::client(url, socket).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self::WebSocket(Box::new(socket)))
    }

    pub(super) fn send(&mut self, line: &str) -> Result<()> {
        let sent = match self {
            Self::Tcp(stream) => {
                let socket = stream.get_mut();
                let written = socket.write_all(format!("{line}\n").as_bytes());
                written.and_then(|()| socket.flush()).map_err(Into::into)
            }
            // Nothing is no frame: by TCP it is ignored, and by WebSocket it is not sent.
            Self::WebSocket(_) if line.is_empty() => Ok(()),
            Self::WebSocket(socket) => socket.send(Message::text(line)),
        };
        sent.context("the line could not be sent")
    }

    /// The next frame; `None` where the server closed the connection.
    pub(super) fn receive(&mut self) -> Result<Option<String>> {
        match self {
            Self::Tcp(stream) => receive_line(stream),
            Self::WebSocket(socket) => receive_message(socket),
        }
    }
}

fn stream(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection by TLS, whose certificate is looked at.
fn encrypted(address: SocketAddr) -> Result<Box<dyn Socket>> {
    let host = ServerName::from(IpAddr::from([127, 0, 0, 1]));
    let session = ClientConnection::new(AUTHORITY.client(), host)?;
    Ok(Box::new(StreamOwned::new(session, stream(address)?)))
}

fn receive_line(stream: &mut BufReader<Box<dyn Socket>>) -> Result<Option<String>> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(0) => Ok(None),
        // A server that closes while unread bytes are left may reset the connection.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => late(),
        Err(error) => Err(error.into()),
        Ok(_) => match line.strip_suffix('\n') {
            Some(line) => Ok(Some(line.to_owned())),
            None => bail!("the connection ended within a line: {line}"),
        },
    }
}

fn receive_message(socket: &mut WebSocket<Box<dyn Socket>>) -> Result<Option<String>> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Ok(Some(text.to_string())),
            Ok(Message::Ping(_)) => {}
            Ok(Message::Close(_)) => return Ok(None),
            Ok(other) => bail!("no frame came but {other:?}"),
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return late(),
            Err(error) => return Err(error.into()),
        }
    }
}

fn late() -> Result<Option<String>> {
    bail!("nothing came within {} seconds", DEADLINE.as_secs())
}
