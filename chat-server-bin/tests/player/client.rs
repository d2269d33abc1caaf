//! A client that knows frames and nothing of the protocol.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tungstenite::{Message, WebSocket};

use super::Front;

/// How long a frame may take; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub(super) enum Client {
    Tcp(BufReader<TcpStream>),
    WebSocket(Box<WebSocket<TcpStream>>),
}

impl Client {
    pub(super) fn connect(front: Front) -> Result<Self> {
        Ok(match front {
            Front::Tcp(address) => Self::Tcp(BufReader::new(stream(address)?)),
            Front::WebSocket(address) => {
                let (socket, _) = tungstenite::client(format!("ws://{address}/ws"), stream(address)?)?;
                Self::WebSocket(Box::new(socket))
            }
        })
    }

    pub(super) fn send(&mut self, line: &str) -> Result<()> {
        let sent = match self {
            Self::Tcp(stream) => stream
                .get_mut()
                .write_all(format!("{line}\n").as_bytes())
                .map_err(Into::into),
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

fn receive_line(stream: &mut BufReader<TcpStream>) -> Result<Option<String>> {
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

fn receive_message(socket: &mut WebSocket<TcpStream>) -> Result<Option<String>> {
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
