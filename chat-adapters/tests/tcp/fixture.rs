//! A server in this process, and a client that counts bytes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chat_adapters::tcp::Serve;
use chat_core::{Chat, Limits, memory};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long anything may take; only a failure ever waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) chat: Chat,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, |serve| serve).await
    }

    /// A server whose transport has options.
    pub(crate) async fn start_with(limits: Limits, options: impl FnOnce(Serve) -> Serve) -> Self {
        let chat = Chat::builder(memory::backends()).limits(limits).start();
        Self::of(chat, options).await
    }

    /// A server in front of a chat.
    pub(crate) async fn of(chat: Chat, options: impl FnOnce(Serve) -> Serve) -> Self {
        let listener = TcpListener::bind("[::]:0").await.unwrap();
        Self::start_on(listener, chat, options)
    }

    /// The same on a listener of the test's own.
    #[expect(clippy::disallowed_methods, reason = "the test owns the handle")]
    pub(crate) fn start_on(listener: TcpListener, chat: Chat, options: impl FnOnce(Serve) -> Serve) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
        let stop = CancellationToken::new();
        let serve = options(Serve::new(listener, chat.clone()));
        let serving = tokio::spawn(serve.until(stop.clone().cancelled_owned()));
        Self {
            chat,
            address,
            stop,
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::of(TcpStream::connect(self.address).await.unwrap())
    }

    /// A client whose system holds little for it, so that what it does not read and what is not
    /// read from it shows soon.
    pub(crate) async fn connect_narrowly(&self) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.set_send_buffer_size(4_096).unwrap();
        Client::of(socket.connect(self.address).await.unwrap())
    }

    pub(crate) async fn logged_in(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        for kind in ["register", "login"] {
            client
                .send(&json!({"type": kind, "name": name, "password": "correct horse"}))
                .await;
        }
        for expected in ["registered", "welcome", "synced"] {
            assert_eq!(client.frame().await["type"], expected);
        }
        client
    }

    pub(crate) async fn has_connections(&self, count: usize) {
        within(async {
            while self.chat.connection_count() != count {
                yield_now().await;
            }
        })
        .await;
    }

    /// Drains and waits until the transport has ended.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.chat.drain(Duration::ZERO).await;
        within(self.serving).await.unwrap().unwrap();
    }
}

pub(crate) struct Client {
    pub(crate) input: BufReader<OwnedReadHalf>,
    pub(crate) output: OwnedWriteHalf,
}

impl Client {
    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        let (input, output) = socket.into_split();
        Self {
            input: BufReader::new(input),
            output,
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_bytes(format!("{frame}\n").as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        within(self.output.write_all(bytes)).await.unwrap();
    }

    /// Sends the same again and again without reading, until no byte is taken for a while; answers
    /// how many were. Unbounded buffers would take all of 64 MiB.
    pub(crate) async fn fill(&mut self, batch: &[u8]) -> usize {
        let mut sent = 0;
        while sent < 64 * 1_024 * 1_024 {
            let rest = &batch[sent % batch.len()..];
            match timeout(Duration::from_millis(500), self.output.write(rest)).await {
                Ok(count) => sent += count.unwrap(),
                Err(_) => break,
            }
        }
        sent
    }

    /// The next frame; `None` where the connection was closed properly.
    pub(crate) async fn next_frame(&mut self) -> Option<Value> {
        let mut line = String::new();
        let count = within(self.input.read_line(&mut line)).await.unwrap();
        (count > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    pub(crate) async fn frame(&mut self) -> Value {
        self.next_frame().await.unwrap()
    }

    /// Acknowledges without asking for a reply, and pings in the same piece.
    pub(crate) async fn acknowledge_and_ping(&mut self, conversation: &str) {
        let both = format!(
            "{}\n{}\n",
            json!({"type": "ack", "conversation": conversation, "seq": 1}),
            json!({"type": "ping"})
        );
        self.send_bytes(both.as_bytes()).await;
        let frame = self.frame().await;
        assert_eq!(frame["type"], "pong", "{frame}");
    }

    /// Asks and is answered: the server serves this client.
    pub(crate) async fn ping(&mut self) {
        self.send(&json!({"type": "ping", "ref": "p"})).await;
        let frame = self.frame().await;
        assert_eq!(
            (&frame["type"], &frame["ref"]),
            (&json!("pong"), &json!("p")),
            "{frame}"
        );
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("nothing happened for a minute"))
}

pub(crate) fn pings(count: usize) -> String {
    (0..count)
        .map(|number| format!("{{\"type\":\"ping\",\"ref\":{number}}}\n"))
        .collect()
}

pub(crate) fn unlimited_requests() -> Limits {
    Limits {
        requests_per_second: 1_000_000_000,
        requests_burst: 1_000_000_000,
        ..Limits::default()
    }
}
