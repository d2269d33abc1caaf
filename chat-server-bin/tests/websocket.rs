//! Clients that come by WebSocket, at the address of HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use support::Server;
use support::http::get;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::client::Response;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::CloseFrame;
use tungstenite::{HandshakeError, Message, WebSocket};

/// How long anything may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(30);

fn start(arguments: &[&str]) -> Server {
    Server::start(&[&["--store", "memory:", "--http", "127.0.0.1:0"], arguments].concat())
}

struct Client(WebSocket<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        match Self::asked(address, &[("sec-websocket-protocol", "chat.v1")]) {
            Ok((client, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "chat.v1");
                client
            }
            Err(status) => panic!("refused with {status}"),
        }
    }

    /// The status where there is no connection.
    fn asked(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<(Self, Response), u16> {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for &(name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(name, value);
        }
        match tungstenite::client(request, socket) {
            Ok((socket, answer)) => Ok((Self(socket), answer)),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    fn frame(&mut self) -> Value {
        match self.0.read().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no frame but {other:?}"),
        }
    }

    fn request(&mut self, request: &Value) -> Value {
        self.0.send(Message::text(request.to_string())).unwrap();
        self.frame()
    }

    fn begin_as(&mut self, name: &str) -> u64 {
        let mut ask = |kind| self.request(&json!({"type": kind, "name": name, "password": "correct horse"}));
        assert_eq!(ask("register")["type"], "registered");
        let welcome = ask("login");
        assert_eq!(self.frame()["type"], "synced");
        welcome["user"]["id"].as_u64().unwrap()
    }

    fn closed(&mut self) -> CloseFrame {
        match self.0.read().unwrap() {
            Message::Close(Some(frame)) => frame,
            other => panic!("no close but {other:?}"),
        }
    }
}

#[test]
fn users_of_both_kinds_chat_with_each_other_and_are_told_when_the_server_ends() {
    let mut server = start(&["--drain", "100ms"]);
    let mut alice = Client::connect(server.http());
    let alice_id = alice.begin_as("alice");
    let mut bob = server.connect();
    let (bob_id, _) = bob.begin_as("bob");

    let sent =
        alice.request(&json!({"type": "send", "ref": 1, "to": {"user": bob_id}, "body": "by WebSocket"}));
    assert_eq!(sent["seq"], 1, "{sent}");
    assert_eq!(bob.frame()["body"], "by WebSocket");
    let sent = bob.request(&json!({"type": "send", "ref": 1, "to": {"user": alice_id}, "body": "by TCP"}));
    assert_eq!(sent["seq"], 2, "{sent}");
    assert_eq!(alice.frame()["body"], "by TCP");

    server.signal_to_end();
    for goodbye in [alice.frame(), bob.frame()] {
        assert_eq!(
            (&goodbye["type"], &goodbye["code"]),
            (&json!("goodbye"), &json!("server_draining"))
        );
        assert!(goodbye["retry_after_ms"].is_u64(), "{goodbye}");
    }
    let close = alice.closed();
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (1_001, "server_draining")
    );
    drop((alice, bob));
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn both_kinds_of_connections_count_together() {
    let server = start(&["--limits-connections", "2"]);
    let mut bob = server.connect();
    bob.request(&json!({"type": "ping", "ref": 1}));
    let _alice = Client::connect(server.http());
    let mut eve = Client::connect(server.http());
    assert_eq!(eve.frame()["code"], "too_many_connections");
    assert_eq!(u16::from(eve.closed().code), 1_013);
    // The side door answers all the same.
    let metrics = get(server.http(), "/metrics").body;
    assert!(metrics.contains("\nchat_websocket_connections 1\n"), "{metrics}");
    assert!(
        metrics.contains("\nchat_connections_accepted_total 2\n"),
        "{metrics}"
    );
}

#[test]
fn web_pages_may_connect_as_the_settings_have_it() {
    let server = start(&[
        "--websocket-origins",
        "https://chat.example.com, http://localhost:8000",
    ]);
    let ask = |origin: &str| Client::asked(server.http(), &[("origin", origin)]).map(drop);
    for origin in ["https://chat.example.com", "http://localhost:8000"] {
        assert_eq!(ask(origin), Ok(()), "{origin}");
    }
    assert_eq!(ask(&format!("http://{}", server.http())), Ok(()));
    assert_eq!(ask("https://evil.example"), Err(403));
}

#[test]
fn addresses_of_proxies_are_believed_as_the_settings_have_it() {
    let limits = ["--limits-connections-per-address", "1"];
    let server = start(&[&limits[..], &["--websocket-forwarded-from", "127.0.0.1"]].concat());
    let ask = |address: &str| {
        Client::asked(server.http(), &[("x-forwarded-for", address)])
            .unwrap()
            .0
    };
    let (mut one, mut two, mut again) = (ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.1"));
    assert_eq!(one.request(&json!({"type": "ping"}))["type"], "pong");
    assert_eq!(two.request(&json!({"type": "ping"}))["type"], "pong");
    assert_eq!(again.frame()["code"], "too_many_connections");
}

#[test]
fn a_silent_client_is_asked_whether_it_is_there_and_then_cut_off() {
    let server = start(&["--websocket-ping", "50ms", "--websocket-ping-timeout", "50ms"]);
    let mut alice = Client::connect(server.http());
    assert_eq!(alice.0.read().unwrap(), Message::Ping(Vec::new().into()));
    // Bytes that never come to be read and answered.
    let socket = alice.0.get_ref().try_clone().unwrap();
    let mut rest = Vec::new();
    // Nothing more comes before the end.
    std::io::Read::read_to_end(&mut &socket, &mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn the_rest_of_the_side_door_is_no_websocket() {
    let server = start(&[]);
    let answer = get(server.http(), "/ws");
    assert_eq!(
        (answer.status, answer.header("upgrade")),
        (426, Some("websocket"))
    );
    assert_eq!(answer.header("connection"), Some("close"));
}
