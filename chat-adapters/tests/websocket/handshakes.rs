//! Who may connect, and what the rest is told.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::http::header::{ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};
use chat_core::Limits;
use serde_json::json;
use tokio::task::yield_now;

use crate::fixture::{Server, closing, within};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[tokio::test]
async fn the_sub_protocol_is_answered_where_it_is_asked_for() {
    let server = Server::start(Limits::default()).await;
    for asked in ["chat.v1", "chat.v9, chat.v1"] {
        let mut client = server.asked(&[(SEC_WEBSOCKET_PROTOCOL, asked)]).await.unwrap();
        assert_eq!(client.protocol.as_deref(), Some("chat.v1"), "{asked}");
        client.ping().await;
    }
    let client = server.connect().await;
    assert_eq!(client.protocol, None);
    drop(client);
    server.end().await;
}

/// The head of the answer to a request as it is written.
fn head(server: &Server, request: &str) -> String {
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    let request = request.replace('\n', "\r\n");
    socket.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

const REQUEST: &str = "GET /ws HTTP/1.1\nHost: chat.example.com\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n\
                       Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_answered_as_the_standard_has_it_and_agrees_on_nothing_that_was_not_asked_for() {
    let server = Server::start(Limits::default()).await;
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\nSec-WebSocket-Protocol: chat.v9\n";
    let head = head(&server, &format!("{REQUEST}{offer}"));
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
    ] {
        assert!(head.lines().any(|other| other == line), "{line} is not in {head}");
    }
    for name in [SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL] {
        assert!(!head.contains(name.as_str()), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sub_protocol_may_be_asked_for_on_a_line_of_its_own() {
    let server = Server::start(Limits::default()).await;
    let offer = "Sec-WebSocket-Protocol: chat.v9\nSec-WebSocket-Protocol: chat.v1\n";
    let head = head(&server, &format!("{REQUEST}{offer}"));
    assert!(
        head.lines().any(|line| line == "sec-websocket-protocol: chat.v1"),
        "{head}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_is_told_what_is_missing() {
    let server = Server::start(Limits::default()).await;
    let without = |part: &str| {
        let lines = REQUEST.lines().filter(|line| !line.contains(part));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let upgrade = ("426", "upgrade: websocket");
    for (request, (status, line)) in [
        ("GET /ws HTTP/1.1\nHost: chat.example.com\n".to_owned(), upgrade),
        (without("Connection"), upgrade),
        (without("Upgrade: websocket"), upgrade),
        (without("Sec-WebSocket-Key"), upgrade),
        (REQUEST.replace("dGhl", "dGh"), upgrade),
        (without("Version"), ("426", "sec-websocket-version: 13")),
        (REQUEST.replace("13", "8"), ("426", "sec-websocket-version: 13")),
        (REQUEST.replace("HTTP/1.1", "HTTP/1.0"), upgrade),
        (REQUEST.replace("GET", "POST"), ("405", "allow: get,head")),
    ] {
        let head = head(&server, &request);
        let version = request.split_whitespace().nth(2).unwrap().to_ascii_lowercase();
        assert!(
            head.starts_with(&format!("{version} {status} ")),
            "{request}{head}"
        );
        assert!(head.lines().any(|other| other == line), "{request}{head}");
    }
    assert_eq!(server.chat.connection_count(), 0);
}

#[tokio::test]
async fn a_handshake_that_never_ends_has_the_time_of_a_login_and_then_holds_no_place() {
    let server = Server::start(Limits {
        login_timeout: Duration::from_millis(100),
        close_timeout: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    let request = REQUEST.replace("/ws", "/never").replace('\n', "\r\n");
    socket.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    server.has_connections(1).await;
    // The client is still there, and waits.
    server.has_connections(0).await;
    within(server.endpoint.closed()).await;
    drop(socket);
}

/// As behind a layer that keeps what carries the request to itself.
#[tokio::test]
async fn a_request_that_nothing_can_be_made_of_is_told_so_and_holds_no_connection() {
    let server = Server::start(Limits::default()).await;
    let mut request = Request::new(Body::empty());
    for (name, value) in REQUEST.lines().filter_map(|line| line.split_once(": ")) {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(server.endpoint.answer(request).status(), 500);
    assert_eq!(server.chat.connection_count(), 0);
}

#[tokio::test]
async fn web_pages_of_other_sites_are_refused_and_those_of_the_same_and_of_the_list_are_not() {
    let server = Server::start_with(Limits::default(), |endpoint| {
        endpoint.allow_origins(["https://chat.example.com".parse().unwrap()])
    })
    .await;
    let same = format!("http://{}", server.address);
    for origin in ["https://chat.example.com", same.as_str()] {
        server.asked(&[(ORIGIN, origin)]).await.unwrap().ping().await;
    }
    for origin in [
        "https://evil.example",
        "null",
        "https://chat.example.com.evil.example",
    ] {
        let answer = server.asked(&[(ORIGIN, origin)]).await.err().unwrap();
        assert_eq!(answer.status(), 403, "{origin}");
    }
    server.has_connections(0).await;
}

#[tokio::test]
async fn a_connection_too_many_is_told_so_and_room_is_given_back() {
    let server = Server::start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.connect().await;
    first.ping().await;
    let mut second = server.connect().await;
    let goodbye = second.frame().await;
    assert_eq!(
        (&goodbye["type"], &goodbye["code"]),
        (&json!("goodbye"), &json!("too_many_connections"))
    );
    assert_eq!(second.closed().await, closing(1_013, "too_many_connections"));
    drop(first);
    server.has_connections(0).await;
    server.connect().await.ping().await;
}

#[tokio::test]
async fn where_very_many_are_refused_they_get_a_status_and_the_time_to_come_back() {
    let server = Server::start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let _first = server.connect().await;
    let mut told = Vec::new();
    // Nobody of them takes the goodbye, so that its room is not given back for a second.
    let refused = loop {
        match server.asked(&[]).await {
            Ok(client) => told.push(client),
            Err(answer) => break answer,
        }
        assert!(told.len() < 10_000, "everybody is told");
    };
    assert!(told.len() >= 64, "{}", told.len());
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()[RETRY_AFTER].as_bytes()
        ),
        (503, &b"1"[..])
    );
    // Though nobody of them leaves, there is room again for others that are told.
    let mut next = loop {
        if let Ok(client) = server.asked(&[]).await {
            break client;
        }
        yield_now().await;
    };
    assert_eq!(next.frame().await["code"], "too_many_connections");
}

#[tokio::test]
async fn a_server_that_ends_refuses_by_a_status_so_that_a_proxy_asks_another() {
    let server = Server::start(Limits::default()).await;
    server.chat.drain(Duration::ZERO).await;
    let refused = server.asked(&[]).await.err().unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()[RETRY_AFTER].as_bytes()
        ),
        (503, &b"1"[..])
    );
}

fn one_an_address() -> Limits {
    Limits {
        connections_per_address: 1,
        ..Limits::default()
    }
}

#[tokio::test]
async fn clients_of_a_proxy_count_by_the_address_that_it_names() {
    let server = Server::start_with(one_an_address(), |endpoint| {
        endpoint.forwarded_from(["127.0.0.0/8".parse().unwrap()])
    })
    .await;
    let mut clients = Vec::new();
    for address in ["192.0.2.1", "192.0.2.2", "198.51.100.9, 192.0.2.3"] {
        let mut client = server.asked(&[(FORWARDED_FOR, address)]).await.unwrap();
        client.ping().await;
        clients.push(client);
    }
    let mut again = server.asked(&[(FORWARDED_FOR, "192.0.2.3")]).await.unwrap();
    assert_eq!(again.frame().await["code"], "too_many_connections");
}

#[tokio::test]
async fn an_address_that_anybody_names_is_not_believed() {
    let server = Server::start(one_an_address()).await;
    let mut one = server.asked(&[(FORWARDED_FOR, "192.0.2.1")]).await.unwrap();
    one.ping().await;
    let mut other = server.asked(&[(FORWARDED_FOR, "192.0.2.2")]).await.unwrap();
    assert_eq!(other.frame().await["code"], "too_many_connections");
}
