//! One connection, frame by frame.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

mod fake_server;

use chat_client::{Connection, Credentials, Error, Limits};
use chat_core::protocol::{Event, Reply, Request, ServerFrame};
use chat_core::{ErrorCode, GoodbyeCode};
use fake_server::{FakeServer, Peer};
use serde_json::json;

async fn connected(limits: Limits) -> (Connection, Peer) {
    let (server, dialer) = FakeServer::in_process();
    let (connection, peer) = tokio::join!(Connection::dial(&*dialer, limits), server.accept());
    (connection.unwrap(), peer)
}

#[tokio::test]
async fn a_login_over_tcp_is_answered() {
    let (server, address) = FakeServer::on_tcp().await;
    let credentials = Credentials::password("alice", "correct horse").unwrap();
    let client = async {
        let mut connection = Connection::connect(address).await?;
        connection
            .login(credentials.login("laptop".parse().unwrap()))
            .await
    };
    let (welcome, _peer) = tokio::join!(client, server.accept_login("token-1"));
    assert_eq!(welcome.unwrap().token.unwrap().reveal(), "token-1");
}

#[tokio::test]
async fn pipelined_replies_are_found_by_their_reference_in_any_order() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    let ping = connection.send(Request::Ping).await.unwrap();
    let groups = connection.send(Request::Groups).await.unwrap();
    let (first, second) = (peer.expect("ping").await, peer.expect("groups").await);
    peer.deliver("d:1:2", 1, "between").await;
    peer.reply(&first, json!({"type": "pong", "at": 5})).await;
    peer.reply(&second, json!({"type": "groups", "groups": []})).await;
    assert!(matches!(
        connection.reply(&groups).await.unwrap(),
        Reply::Groups { .. }
    ));
    assert!(matches!(
        connection.reply(&ping).await.unwrap(),
        Reply::Pong { .. }
    ));
    assert!(matches!(
        connection.next_event().await.unwrap(),
        Some(Event::Message(_))
    ));
}

#[tokio::test]
async fn an_error_reply_is_a_refusal_with_its_code() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    let server = async {
        let request = peer.expect("friends").await;
        peer.reply(
            &request,
            json!({"type": "error", "code": "unauthenticated", "message": "log in first"}),
        )
        .await;
    };
    let (answer, ()) = tokio::join!(connection.friends(), server);
    let Err(Error::Refused(refusal)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (ErrorCode::Unauthenticated, "log in first")
    );
}

#[tokio::test]
async fn raw_lines_pass_as_they_are_both_ways() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    connection.send_line("{\"type\":\"anything\"}").await.unwrap();
    assert_eq!(peer.try_read().await.unwrap()["type"], "anything");
    peer.write_text("no json\n{\"type\":\"new\"}\n{\"type\":\"synced\"}\n")
        .await;
    assert_eq!(connection.next_line().await.unwrap().unwrap(), "no json");
    let received = connection.next_frame().await.unwrap().unwrap();
    assert_eq!(received.frame, ServerFrame::Event(Event::Synced));
    assert_eq!(received.line, "{\"type\":\"synced\"}");
    drop(peer);
    assert_eq!(connection.next_line().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_frame_is_a_protocol_error() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    peer.write_text("HTTP/1.1 400 Bad Request\r\n").await;
    assert!(matches!(
        connection.next_frame().await,
        Err(Error::Protocol { .. })
    ));
}

#[tokio::test]
async fn a_line_longer_than_the_limit_is_a_protocol_error() {
    let (mut connection, mut peer) = connected(Limits {
        max_frame: 100,
        ..Limits::default()
    })
    .await;
    peer.write_text(&"x".repeat(200)).await;
    assert!(matches!(
        connection.next_frame().await,
        Err(Error::Protocol { .. })
    ));
}

#[tokio::test]
async fn a_goodbye_before_the_reply_is_the_answer() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    let server = async {
        peer.expect("ping").await;
        peer.write(json!({"type": "goodbye", "code": "replaced", "message": "elsewhere"}))
            .await;
    };
    let (answer, ()) = tokio::join!(connection.ping(), server);
    assert!(matches!(answer, Err(Error::Goodbye(goodbye)) if goodbye.code == GoodbyeCode::Replaced));
}

#[tokio::test]
async fn a_server_that_closes_in_the_middle_of_a_line_is_lost() {
    let (mut connection, mut peer) = connected(Limits::default()).await;
    peer.write_text("{\"type\":\"syn").await;
    drop(peer);
    assert!(matches!(
        connection.next_frame().await,
        Err(Error::ConnectionLost(Some(_)))
    ));
}

#[tokio::test]
async fn what_nobody_takes_is_bounded() {
    let limits = Limits {
        received_frames: 3,
        ..Limits::default()
    };
    let (mut connection, mut peer) = connected(limits).await;
    let ping = connection.send(Request::Ping).await.unwrap();
    for seq in 1..=4 {
        peer.deliver("d:1:2", seq, "x").await;
    }
    assert!(matches!(
        connection.reply(&ping).await,
        Err(Error::QueueFull { limit: 3 })
    ));
}

#[tokio::test]
async fn events_that_are_ignored_need_no_room() {
    let (mut connection, mut peer) = connected(Limits {
        received_frames: 3,
        ..Limits::default()
    })
    .await;
    connection.ignore_events();
    let ping = connection.send(Request::Ping).await.unwrap();
    let request = peer.expect("ping").await;
    for seq in 1..=10 {
        peer.deliver("d:1:2", seq, "x").await;
    }
    peer.reply(&request, json!({"type": "pong", "at": 5})).await;
    assert!(matches!(connection.reply(&ping).await, Ok(Reply::Pong { .. })));
}

#[tokio::test]
async fn sending_much_while_the_server_sends_much_does_not_stall() {
    let (mut connection, peer) = connected(Limits::default()).await;
    let client = async {
        let mut references = Vec::new();
        for _ in 0..10_000 {
            references.push(connection.send(Request::Ping).await.unwrap());
        }
        for reference in references {
            connection.reply(&reference).await.unwrap();
        }
    };
    tokio::join!(client, answer_pings(peer, 10_000));
}

/// Answers each request before it reads the next, as a server with a full outbox does.
async fn answer_pings(mut peer: Peer, count: usize) {
    for _ in 0..count {
        let ping = peer.expect("ping").await;
        peer.reply(&ping, json!({"type": "pong", "at": 5})).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_come_is_given_up() {
    let (mut connection, _peer) = connected(Limits::default()).await;
    assert!(matches!(connection.ping().await, Err(Error::TimedOut(_))));
}
