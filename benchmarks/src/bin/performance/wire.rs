//! A client that is just enough for what no load does.

use anyhow::{bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// What came.
#[derive(Debug)]
pub(crate) enum Frame {
    Message,
    Sent,
    Synced,
    Other,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self(BufReader::new(socket)))
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        let line = format!("{frame}\n");
        Ok(self.0.get_mut().write_all(line.as_bytes()).await?)
    }

    /// The next frame. Fails where something was refused.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Frame> {
        let mut line = String::new();
        ensure!(
            self.0.read_line(&mut line).await? > 0,
            "the server closed the connection"
        );
        let frame: Value = serde_json::from_str(&line)?;
        Ok(match frame.get("type").and_then(Value::as_str) {
            Some("message") => Frame::Message,
            Some("sent") => Frame::Sent,
            Some("synced") => Frame::Synced,
            Some("error" | "goodbye") => bail!("refused: {line}"),
            _ => Frame::Other,
        })
    }
}
