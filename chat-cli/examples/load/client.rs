//! A small client that costs little: frames are read only as far as a load looks at them.

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;

const PASSWORD: &str = "load load";
/// Enough for several nodes, each of which hashes two passwords at once by default.
pub(crate) const LOGINS_AT_ONCE: usize = 6;

/// The frames that a load waits for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Registered,
    Welcome,
    Synced,
    GroupCreated,
    GroupJoined,
    Sent,
    Message,
    Error,
    Goodbye,
    #[serde(other)]
    Other,
}

/// What a load looks at in a frame.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) id: String,
}

/// The reading half of a connection.
pub(crate) struct Reader {
    socket: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

impl Reader {
    /// The next frame; a refusal ends the program.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Frame> {
        self.line.clear();
        if self.socket.read_until(b'\n', &mut self.line).await? == 0 {
            bail!("the server closed the connection");
        }
        let frame: Frame = serde_json::from_slice(&self.line)?;
        if matches!(frame.kind, Kind::Error | Kind::Goodbye) {
            bail!("refused: {}", String::from_utf8_lossy(&self.line).trim_end());
        }
        Ok(frame)
    }

    /// The next frame of a kind, whole; others are passed over.
    pub(crate) async fn wait_for(&mut self, kind: Kind) -> anyhow::Result<Value> {
        while self.next().await?.kind != kind {}
        Ok(serde_json::from_slice(&self.line)?)
    }
}

/// The writing half of a connection.
pub(crate) struct Writer(OwnedWriteHalf);

impl Writer {
    pub(crate) async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(frame)?;
        line.push(b'\n');
        Ok(self.0.write_all(&line).await?)
    }

    /// Sends a text of a hundred bytes.
    pub(crate) async fn send_message(&mut self, to: &Value, id: &str) -> anyhow::Result<()> {
        self.send(&json!({"type": "send", "to": to, "id": id, "body": "x".repeat(100)}))
            .await
    }
}

/// A connection of a user.
pub(crate) struct Client {
    pub(crate) user: u64,
    pub(crate) token: Value,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Client {
    async fn connect(address: &str) -> anyhow::Result<(Reader, Writer)> {
        let socket = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot reach the server at {address}"))?;
        socket.set_nodelay(true)?;
        let (reader, writer) = socket.into_split();
        let reader = Reader {
            socket: BufReader::with_capacity(4_096, reader),
            line: Vec::new(),
        };
        Ok((reader, Writer(writer)))
    }

    /// Registers a user and logs them in.
    pub(crate) async fn register(address: &str, name: &str) -> anyhow::Result<Self> {
        let (mut reader, mut writer) = Self::connect(address).await?;
        writer
            .send(&json!({"type": "register", "name": name, "password": PASSWORD}))
            .await?;
        reader.wait_for(Kind::Registered).await?;
        let login = json!({"type": "login", "name": name, "password": PASSWORD, "ack": "auto"});
        Self::log_in(reader, writer, &login).await
    }

    /// Logs a device in by a token of its user, which costs no hash of a password.
    pub(crate) async fn resume(address: &str, token: &Value, device: &str) -> anyhow::Result<Self> {
        let (reader, writer) = Self::connect(address).await?;
        let login = json!({"type": "login", "token": token, "device": device, "ack": "auto"});
        Self::log_in(reader, writer, &login).await
    }

    async fn log_in(mut reader: Reader, mut writer: Writer, login: &Value) -> anyhow::Result<Self> {
        writer.send(login).await?;
        let welcome = reader.wait_for(Kind::Welcome).await?;
        let user = welcome.pointer("/user/id").and_then(Value::as_u64);
        reader.wait_for(Kind::Synced).await?;
        Ok(Self {
            user: user.context("the welcome has no user id")?,
            token: welcome.get("token").cloned().unwrap_or_default(),
            reader,
            writer,
        })
    }

    /// Joins a group and waits for the answer.
    pub(crate) async fn join(&mut self, group: &Value) -> anyhow::Result<()> {
        self.writer
            .send(&json!({"type": "join_group", "group": group}))
            .await?;
        self.reader.wait_for(Kind::GroupJoined).await?;
        Ok(())
    }
}

/// Where connections go, in turn.
#[derive(Clone)]
pub(crate) struct Addresses(Vec<String>);

impl Addresses {
    pub(crate) fn parse(list: &str) -> Self {
        Self(list.split(',').map(str::to_owned).collect())
    }

    /// The address of a connection, by its number.
    pub(crate) fn of(&self, number: usize) -> String {
        let address = self.0.iter().cycle().nth(number % self.0.len().max(1));
        address.cloned().unwrap_or_default()
    }
}

/// New users in order, each logged in, the first at the address of this number.
pub(crate) async fn users(addresses: &Addresses, first: usize, count: usize) -> anyhow::Result<Vec<Client>> {
    let run = std::process::id();
    in_order(LOGINS_AT_ONCE, 0..count, |number| {
        let address = addresses.of(first + number);
        async move { Client::register(&address, &format!("load-{run}-{first}-{number}")).await }
    })
    .await
}

/// Does the same with each item, some at once, and answers in the order of the items.
pub(crate) async fn in_order<I, T: Send + 'static, F>(
    at_once: usize,
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> F,
) -> anyhow::Result<Vec<T>>
where
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let mut done = Vec::new();
    let mut tasks = JoinSet::new();
    for (place, item) in items.into_iter().enumerate() {
        if tasks.len() >= at_once {
            done.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let work = work(item);
        tasks.spawn(async move { anyhow::Ok((place, work.await?)) });
    }
    while let Some(result) = tasks.join_next().await {
        done.push(result??);
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
