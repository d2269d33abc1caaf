//! A client that knows lines and nothing of the protocol.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long a frame may take; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub(super) fn send(&mut self, line: &str) -> Result<()> {
        let sent = self.stream.get_mut().write_all(format!("{line}\n").as_bytes());
        sent.context("the line could not be sent")
    }

    /// The next line without its end; `None` where the server closed the connection.
    pub(super) fn receive(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Ok(None),
            // A server that closes while unread bytes are left may reset the connection.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                bail!("nothing came within {} seconds", DEADLINE.as_secs())
            }
            Err(error) => Err(error.into()),
            Ok(_) => match line.strip_suffix('\n') {
                Some(line) => Ok(Some(line.to_owned())),
                None => bail!("the connection ended within a line: {line}"),
            },
        }
    }
}
