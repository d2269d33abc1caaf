//! An asynchronous client that knows lines and JSON and nothing of the protocol.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long a connection, or the sending of a frame, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A raw connection.
#[derive(Debug)]
pub(super) struct Wire {
    lines: Lines<BufReader<OwnedReadHalf>>,
    output: OwnedWriteHalf,
}

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = timeout(PATIENCE, TcpStream::connect(address)).await??;
        socket.set_nodelay(true)?;
        let (input, output) = socket.into_split();
        Ok(Self {
            lines: BufReader::new(input).lines(),
            output,
        })
    }

    pub(super) async fn send(&mut self, frame: &Value) -> io::Result<()> {
        let line = format!("{frame}\n");
        timeout(PATIENCE, self.output.write_all(line.as_bytes())).await?
    }

    /// The next frame; `None` where the connection has ended. Giving it up loses nothing.
    pub(super) async fn next_frame(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.ok()??;
        match serde_json::from_str(&line) {
            Ok(frame) => Some(frame),
            Err(error) => {
                // A server that was killed may leave half a line.
                let rest = self.lines.next_line().await.ok().flatten();
                assert!(rest.is_none(), "{line:?}: {error}");
                None
            }
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
