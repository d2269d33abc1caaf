//! Messages of clients that are quick, slow, wrong or too long.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use chat_core::Limits;
use futures_util::{SinkExt as _, StreamExt as _, poll};
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::fixture::{DEADLINE, Server, closing, within};

fn unlimited_requests() -> Limits {
    Limits {
        requests_per_second: 1_000_000_000,
        requests_burst: 1_000_000_000,
        // Nobody logs in, however long it takes.
        login_timeout: DEADLINE,
        ..Limits::default()
    }
}

#[tokio::test]
async fn two_users_chat_and_goodbye_comes_before_the_close_when_the_server_drains() {
    let server = Server::start(Limits::default()).await;
    let mut alice = server.logged_in("alice").await;
    let mut bob = server.logged_in("bob").await;
    alice
        .send(&json!({"type": "send", "ref": 1, "to": {"user": 2}, "body": "Grüße"}))
        .await;
    assert_eq!(alice.frame().await["type"], "sent");
    let message = bob.frame().await;
    assert_eq!((&message["seq"], &message["body"]), (&json!(1), &json!("Grüße")));

    let ending = async move {
        for mut client in [alice, bob] {
            let goodbye = client.frame().await;
            assert_eq!(
                (&goodbye["type"], &goodbye["code"]),
                (&json!("goodbye"), &json!("server_draining"))
            );
            assert!(goodbye["retry_after_ms"].is_u64(), "{goodbye}");
            assert_eq!(client.closed().await, closing(1_001, "server_draining"));
        }
    };
    tokio::join!(ending, server.end());
}

#[tokio::test]
async fn many_requests_are_answered_in_order_though_the_client_closes_at_once() {
    let server = Server::start(unlimited_requests()).await;
    let (mut output, mut input) = server.connect().await.socket.split();
    let sending = async {
        for number in 0..10_000 {
            let ping = json!({"type": "ping", "ref": number}).to_string();
            within(output.feed(Message::text(ping))).await.unwrap();
        }
        within(output.flush()).await.unwrap();
    };
    let receiving = async {
        for number in 0..10_000 {
            let text = within(input.next()).await.unwrap().unwrap().into_text().unwrap();
            let reply: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(reply["ref"], number);
        }
    };
    tokio::join!(sending, receiving);
    within(output.close()).await.unwrap();
    let last = within(input.next()).await.unwrap().unwrap();
    assert!(last.is_close(), "{last:?}");
    drop((output, input));
    server.end().await;
}

#[tokio::test]
async fn what_a_client_asked_before_it_closed_is_stored_and_answered() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.logged_in("alice").await;
    let note = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "a note"});
    within(client.socket.feed(Message::text(note.to_string())))
        .await
        .unwrap();
    within(client.socket.close(None)).await.unwrap();
    assert_eq!(client.frame().await["type"], "sent");
    // A close without a number is answered with one that has none.
    assert_eq!(client.closed().await, None);
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_the_limit_and_no_longer_in_one_piece_or_in_several() {
    let limits = Limits {
        max_frame: 1_024,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let ping = |length: usize| {
        let frame = json!({"type": "ping", "ref": 1, "filler": ""}).to_string();
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    let mut client = server.connect().await;
    client.send_message(Message::text(ping(1_024))).await;
    assert_eq!(client.frame().await["type"], "pong");
    let part = |text: &str, code, is_last| {
        let content = Bytes::copy_from_slice(text.as_bytes());
        Message::Frame(Frame::message(content, OpCode::Data(code), is_last))
    };
    let in_parts = |text: &str| {
        let (first, rest) = text.split_at(1_000);
        [part(first, Data::Text, false), part(rest, Data::Continue, true)]
    };
    for message in in_parts(&ping(1_024)) {
        client.send_message(message).await;
    }
    assert_eq!(client.frame().await["type"], "pong");

    for mut messages in [vec![Message::text(ping(1_025))], in_parts(&ping(1_025)).to_vec()] {
        let mut client = server.connect().await;
        // It goes on sending.
        messages.push(Message::text(ping(1_000)));
        for message in messages {
            client.send_message(message).await;
        }
        let goodbye = client.frame().await;
        assert_eq!(
            (&goodbye["type"], &goodbye["code"]),
            (&json!("goodbye"), &json!("frame_too_large"))
        );
        assert_eq!(client.closed().await, closing(1_009, "frame_too_large"));
    }
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn a_binary_message_closes_the_connection_after_what_was_asked_before() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    let ping = json!({"type": "ping", "ref": 1}).to_string();
    within(client.socket.feed(Message::text(ping.clone())))
        .await
        .unwrap();
    within(client.socket.feed(Message::binary(ping.clone())))
        .await
        .unwrap();
    within(client.socket.send(Message::text(ping))).await.unwrap();
    assert_eq!(client.frame().await["type"], "pong");
    assert_eq!(
        client.closed().await,
        closing(1_003, "only text messages are taken")
    );
    server.has_connections(0).await;
}

#[tokio::test]
async fn text_that_is_no_frame_is_an_error_and_the_connection_stays() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    for wrong in ["", "hello", "[]", "{\"type\":\"ping\"}\n{\"type\":\"ping\"}"] {
        client.send_message(Message::text(wrong)).await;
        let error = client.frame().await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!("bad_frame")),
            "{wrong}"
        );
    }
    client.ping().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_not_read_from_either_and_loses_nothing() {
    let server = Server::start(unlimited_requests()).await;
    let mut client = server.connect_narrowly().await;
    let mut sent = 0;
    // Unbounded buffers would take all of it.
    while sent < 100_000 {
        let ping = Message::text(json!({"type": "ping", "ref": sent}).to_string());
        match tokio::time::timeout(Duration::from_millis(500), client.socket.send(ping)).await {
            Ok(done) => done.unwrap(),
            Err(_) => break,
        }
        sent += 1;
    }
    assert!(sent < 100_000, "everything was read");
    // The last may have been given up in the midst of it, and goes out when there is room again.
    for number in 0..sent {
        assert_eq!(client.frame().await["ref"], number);
    }
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn a_client_that_never_reads_cannot_hold_up_the_end() {
    let limits = Limits {
        close_timeout: Duration::from_millis(100),
        ..unlimited_requests()
    };
    let server = Server::start(limits).await;
    let mut client = server.connect_narrowly().await;
    let ping = Message::text(json!({"type": "ping"}).to_string());
    while let Ok(sent) =
        tokio::time::timeout(Duration::from_millis(500), client.socket.send(ping.clone())).await
    {
        sent.unwrap();
    }
    server.end().await;
}

#[tokio::test]
async fn the_endpoint_is_closed_when_its_last_connection_has_ended_and_not_before() {
    let server = Server::start(Limits::default()).await;
    let (mut alice, mut bob) = (server.connect().await, server.connect().await);
    alice.ping().await;
    bob.ping().await;
    let mut closed = pin!(server.endpoint.closed());
    assert_eq!(poll!(closed.as_mut()), Poll::Pending);
    drop(alice);
    server.has_connections(1).await;
    assert_eq!(poll!(closed.as_mut()), Poll::Pending);
    bob.ping().await;
    drop(bob);
    within(closed).await;
    assert_eq!(server.chat.connection_count(), 0);
}

#[tokio::test]
async fn dropping_the_endpoint_ends_every_connection() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.ping().await;
    let Server {
        chat,
        endpoint,
        mut serving,
        ..
    } = server;
    serving.shutdown().await;
    drop(endpoint);
    assert_eq!(client.closed().await, None);
    assert_eq!(chat.connection_count(), 0);
}
