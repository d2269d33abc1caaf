//! A client that asks one thing after the other, and takes in what comes meanwhile.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::stored::{DEVICE, token};

/// Who acknowledges what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acks {
    Client,
    Server,
}

/// What is looked at in a frame.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "ref", default)]
    reference: Option<u64>,
    #[serde(borrow, default)]
    conversation: Option<Cow<'a, str>>,
    #[serde(default)]
    seq: u64,
}

/// A logged-in connection.
pub(crate) struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    line: Vec<u8>,
    acks: Acks,
    asked: u64,
    answered: u64,
    is_synced: bool,
    /// How far each conversation has come that is not acknowledged yet.
    received: HashMap<String, u64>,
    pub(crate) messages: u64,
}

impl Client {
    /// Logs a user in by their token, and answers when all that they had missed is here.
    pub(crate) async fn log_in(address: &str, number: usize, acks: Acks) -> anyhow::Result<Self> {
        let mut client = Self::on(TcpStream::connect(address).await?, acks)?;
        client.introduce(json!({"token": token(number)})).await?;
        Ok(client)
    }

    fn on(socket: TcpStream, acks: Acks) -> anyhow::Result<Self> {
        socket.set_nodelay(true)?;
        let (reader, writer) = socket.into_split();
        Ok(Self {
            reader: BufReader::with_capacity(4_096, reader),
            writer,
            line: Vec::new(),
            acks,
            asked: 0,
            answered: 0,
            is_synced: false,
            received: HashMap::new(),
            messages: 0,
        })
    }

    /// Logs in by what is given, and waits until all that was missed is here.
    async fn introduce(&mut self, mut login: Value) -> anyhow::Result<()> {
        if let Some(fields) = login.as_object_mut() {
            let ack = if self.acks == Acks::Server {
                "auto"
            } else {
                "client"
            };
            fields.insert("type".to_owned(), "login".into());
            fields.insert("device".to_owned(), DEVICE.into());
            fields.insert("ack".to_owned(), ack.into());
        }
        self.begin(login).await?;
        while !self.is_synced {
            self.next().await?;
        }
        self.acknowledge().await
    }

    /// Asks, and waits for the answer, which may be a refusal.
    pub(crate) async fn ask(&mut self, request: Value) -> anyhow::Result<()> {
        self.begin(request).await?;
        self.until_answered().await
    }

    /// Waits for the answers to all that was asked.
    pub(crate) async fn until_answered(&mut self) -> anyhow::Result<()> {
        while self.answered < self.asked {
            self.next().await?;
        }
        Ok(())
    }

    /// Asks without waiting.
    pub(crate) async fn begin(&mut self, mut request: Value) -> anyhow::Result<()> {
        self.asked += 1;
        if let Some(fields) = request.as_object_mut() {
            fields.insert("ref".to_owned(), self.asked.into());
        }
        self.write(&request).await
    }

    /// Takes what still comes, until nothing did for a while.
    pub(crate) async fn until_quiet(&mut self, quiet: Duration) -> anyhow::Result<()> {
        loop {
            // A frame that is cut off by the time-out stays in the line.
            match timeout(quiet, self.next()).await {
                Ok(next) => next?,
                Err(_) => return self.acknowledge().await,
            }
        }
    }

    /// Acknowledges all that came.
    pub(crate) async fn acknowledge(&mut self) -> anyhow::Result<()> {
        let received = std::mem::take(&mut self.received);
        for (conversation, seq) in received {
            let ack = json!({"type": "ack", "conversation": conversation, "seq": seq});
            self.write(&ack).await?;
        }
        Ok(())
    }

    async fn write(&mut self, frame: &Value) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        Ok(self.writer.write_all(&line).await?)
    }

    /// Takes the next frame. Cancel safe: what was read of it stays.
    pub(crate) async fn next(&mut self) -> anyhow::Result<()> {
        if self.reader.read_until(b'\n', &mut self.line).await? == 0 {
            bail!("the server closed the connection");
        }
        let line = std::mem::take(&mut self.line);
        let frame: Frame<'_> = serde_json::from_slice(&line)?;
        match (frame.kind, frame.reference) {
            ("message", _) => {
                self.messages += 1;
                let conversation = frame.conversation.context("a message of no conversation")?;
                if self.acks == Acks::Client {
                    self.received.insert(conversation.into_owned(), frame.seq);
                }
            }
            ("synced", _) => self.is_synced = true,
            ("error", _) if !self.is_synced => bail!("refused: {}", String::from_utf8_lossy(&line)),
            ("goodbye", _) => bail!("refused: {}", String::from_utf8_lossy(&line)),
            (_, Some(reference)) => self.answered = self.answered.max(reference),
            _ => {}
        }
        Ok(())
    }
}
