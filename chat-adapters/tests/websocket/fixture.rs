//! A router with the endpoint in it, and clients.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{HeaderName, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderValue, Response};
use axum::routing::{MethodRouter, get};
use chat_adapters::websocket::Endpoint;
use chat_core::{Chat, Limits, memory};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long anything may take; only a failure ever waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) chat: Chat,
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint,
    pub(crate) serving: JoinSet<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, |endpoint| endpoint).await
    }

    /// A server whose endpoint has options.
    pub(crate) async fn start_with(limits: Limits, options: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let chat = Chat::builder(memory::backends()).limits(limits).start();
        let endpoint = options(Endpoint::new(chat.clone()));
        let listener = listen_narrowly();
        let address = listener.local_addr().unwrap();
        let app: Router = Router::new()
            .route("/ws", endpoint.route())
            .route("/never", never_answered(&endpoint));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await });
        Self {
            chat,
            address,
            endpoint,
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        self.asked(&[]).await.unwrap()
    }

    /// A request with further headers.
    pub(crate) async fn asked(
        &self,
        headers: &[(HeaderName, &str)],
    ) -> Result<Client, Response<Option<Vec<u8>>>> {
        self.asked_on(TcpStream::connect(self.address).await.unwrap(), headers)
            .await
    }

    async fn asked_on(
        &self,
        socket: TcpStream,
        headers: &[(HeaderName, &str)],
    ) -> Result<Client, Response<Option<Vec<u8>>>> {
        socket.set_nodelay(true).unwrap();
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(name, value);
        }
        match within(client_async(request, socket)).await {
            Ok((socket, answer)) => {
                let protocol = answer.headers().get(SEC_WEBSOCKET_PROTOCOL);
                let protocol = protocol.map(|name| name.to_str().unwrap().to_owned());
                Ok(Client { socket, protocol })
            }
            Err(Error::Http(answer)) => Err(*answer),
            Err(error) => panic!("{error}"),
        }
    }

    /// A client whose system holds little for it, so that what it does not read shows soon.
    pub(crate) async fn connect_narrowly(&self) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.set_send_buffer_size(4_096).unwrap();
        let socket = socket.connect(self.address).await.unwrap();
        self.asked_on(socket, &[]).await.unwrap()
    }

    pub(crate) async fn logged_in(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.log_in(name).await;
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
    pub(crate) async fn end(mut self) {
        self.chat.drain(Duration::ZERO).await;
        within(self.endpoint.closed()).await;
        self.serving.shutdown().await;
    }
}

/// Lets clients in, and keeps the answer back, so that no handshake comes to its end.
fn never_answered(endpoint: &Endpoint) -> MethodRouter {
    let endpoint = endpoint.clone();
    get(move |request: Request| {
        let answer = endpoint.answer(request);
        async move {
            pending::<()>().await;
            answer
        }
    })
}

/// A listener whose system holds little for each connection, so that what is not read shows soon.
fn listen_narrowly() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(65_536).unwrap();
    socket.set_send_buffer_size(65_536).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(1_024).unwrap()
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// The sub-protocol that was agreed on.
    pub(crate) protocol: Option<String>,
}

/// How a connection ended: the number and the reason, where the server closed it.
pub(crate) type Ended = Option<(u16, String)>;

impl Client {
    pub(crate) async fn log_in(&mut self, name: &str) {
        for kind in ["register", "login"] {
            self.send(&json!({"type": kind, "name": name, "password": "correct horse"}))
                .await;
        }
        for expected in ["registered", "welcome", "synced"] {
            assert_eq!(self.frame().await["type"], expected);
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    /// The next message, pings and their answers left out; `None` where the connection is over.
    pub(crate) async fn next_message(&mut self) -> Option<Message> {
        loop {
            match within(self.socket.next()).await?.ok()? {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return Some(message),
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Value {
        match self.next_message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no frame but {other:?}"),
        }
    }

    /// How the server closes, after which nothing may come.
    pub(crate) async fn closed(&mut self) -> Ended {
        match self.next_message().await {
            Some(Message::Close(frame)) => {
                assert_eq!(self.next_message().await, None);
                frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()))
            }
            None => None,
            other => panic!("no close but {other:?}"),
        }
    }

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

/// What a server says when it closes with this number.
pub(crate) fn closing(code: u16, reason: &str) -> Ended {
    Some((code, reason.to_owned()))
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("nothing happened for a minute"))
}
