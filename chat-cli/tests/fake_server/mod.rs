//! A server that does what a test tells it, frame by frame.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_client::{BoxedStream, Dial, Dialing};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// What a test waits at most; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Opens streams to a [`FakeServer`] in the same process.
#[derive(Debug)]
pub(crate) struct FakeDialer {
    streams: mpsc::Sender<BoxedStream>,
    dialed: AtomicUsize,
}

impl FakeDialer {
    pub(crate) fn dialed(&self) -> usize {
        self.dialed.load(Ordering::SeqCst)
    }
}

impl Dial for FakeDialer {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async {
            self.dialed.fetch_add(1, Ordering::SeqCst);
            let (near, far) = tokio::io::duplex(64 * 1_024);
            let refused = |_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            self.streams.send(Box::new(far)).await.map_err(refused)?;
            Ok(Box::new(near) as BoxedStream)
        })
    }

    fn server(&self) -> &str {
        "the fake server"
    }
}

/// The server's side of the dialer, or a real listener.
pub(crate) struct FakeServer {
    streams: Option<Mutex<mpsc::Receiver<BoxedStream>>>,
    listener: Option<TcpListener>,
}

impl FakeServer {
    pub(crate) fn in_process() -> (Self, Arc<FakeDialer>) {
        let (streams, receiver) = mpsc::channel(16);
        let dialer = Arc::new(FakeDialer {
            streams,
            dialed: AtomicUsize::new(0),
        });
        let server = Self {
            streams: Some(Mutex::new(receiver)),
            listener: None,
        };
        (server, dialer)
    }

    pub(crate) async fn on_tcp() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self {
            streams: None,
            listener: Some(listener),
        };
        (server, address)
    }

    pub(crate) async fn accept(&self) -> Peer {
        let stream: BoxedStream = match (&self.streams, &self.listener) {
            (Some(streams), _) => streams.lock().await.recv().await.unwrap(),
            (None, Some(listener)) => {
                let accepted = tokio::time::timeout(Duration::from_secs(60), listener.accept()).await;
                Box::new(accepted.expect("nobody connects").unwrap().0)
            }
            (None, None) => unreachable!(),
        };
        Peer::over(stream)
    }

    /// Accepts a connection and its login, and welcomes alice (id 1) with a token.
    pub(crate) async fn accept_login(&self, token: &str) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome(token).await;
        peer
    }
}

/// A connection as the server sees it.
pub(crate) struct Peer {
    input: BufReader<ReadHalf<BoxedStream>>,
    output: WriteHalf<BoxedStream>,
}

impl Peer {
    fn over(stream: BoxedStream) -> Self {
        let (input, output) = tokio::io::split(stream);
        Self {
            input: BufReader::new(input),
            output,
        }
    }

    /// The next frame, or `None` at the end.
    pub(crate) async fn try_read(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.input.read_line(&mut line)).await;
        match read.expect("the client said nothing for too long") {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// The next frame, which must be of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self
            .try_read()
            .await
            .unwrap_or_else(|| panic!("the client closed before {kind:?}"));
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The client must say nothing for a while of (paused) time.
    pub(crate) async fn expect_silence(&mut self, time: Duration) {
        let mut line = String::new();
        let read = tokio::time::timeout(time, self.input.read_line(&mut line)).await;
        assert!(read.is_err(), "not silent: {line:?}");
    }

    pub(crate) async fn write(&mut self, frame: Value) {
        self.write_text(&format!("{frame}\n")).await;
    }

    pub(crate) async fn write_text(&mut self, text: &str) {
        self.output.write_all(text.as_bytes()).await.unwrap();
        self.output.flush().await.unwrap();
    }

    /// Answers a request.
    pub(crate) async fn reply(&mut self, request: &Value, mut reply: Value) {
        reply["ref"] = request["ref"].clone();
        self.write(reply).await;
    }

    /// Answers a `send`, with the id that it carries.
    pub(crate) async fn reply_sent(&mut self, send: &Value, seq: u64) {
        let sent =
            json!({"type": "sent", "conversation": "d:1:2", "seq": seq, "at": 1000 + seq, "id": send["id"]});
        self.reply(send, sent).await;
    }

    /// Expects a login and answers it; returns the login.
    pub(crate) async fn welcome(&mut self, token: &str) -> Value {
        let login = self.expect("login").await;
        let welcome = json!({
            "type": "welcome", "user": {"id": 1, "name": "alice"}, "device": login["device"], "token": token,
            "token_expires_at": 1_790_000_000_000_u64,
            "friends": [{"id": 2, "name": "bob", "online": true}],
            "groups": [{"id": 3, "name": "rust", "description": "crabs", "role": "normal", "members": 4}],
        });
        self.reply(&login, welcome).await;
        self.write(json!({"type": "synced"})).await;
        login
    }

    /// Delivers a message from bob.
    pub(crate) async fn deliver(&mut self, conversation: &str, seq: u64, body: &str) {
        self.write(json!({
            "type": "message", "conversation": conversation, "seq": seq, "from": {"id": 2, "name": "bob"},
            "body": body, "at": 1_790_000_000_000_u64 + seq,
        }))
        .await;
    }
}
