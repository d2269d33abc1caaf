//! Peers that answer pings, ask themselves, or are gone.

use std::time::Duration;

use chat_adapters::websocket::Heartbeat;
use chat_core::Limits;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::fixture::{DEADLINE, Server, within};

const SOON: Duration = Duration::from_millis(20);

async fn server_that_pings(timeout: Duration) -> Server {
    let heartbeat = Heartbeat { after: SOON, timeout };
    Server::start_with(Limits::default(), |endpoint| endpoint.heartbeat(Some(heartbeat))).await
}

#[tokio::test]
async fn a_peer_that_answers_is_asked_again_and_again_and_stays() {
    let server = server_that_pings(DEADLINE * 2).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        let asked = within(client.socket.next()).await.unwrap().unwrap();
        assert_eq!(asked, Message::Ping(Bytes::new()));
        // The client library answers with the next flush.
        within(client.socket.flush()).await.unwrap();
    }
    client.ping().await;
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_cut_off_and_its_session_ends() {
    let server = server_that_pings(SOON).await;
    let client = server.connect().await;
    server.has_connections(1).await;
    // Its socket is open, and nobody answers at it.
    server.has_connections(0).await;
    drop(client);
}

/// The clock goes on by itself as soon as everybody waits.
#[tokio::test]
async fn a_silent_peer_is_asked_where_nothing_was_said_about_it() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.logged_in("alice").await;
    tokio::time::pause();
    let asked = within(client.socket.next()).await.unwrap().unwrap();
    assert_eq!(asked, Message::Ping(Bytes::new()));
}

#[tokio::test]
async fn nobody_is_asked_where_that_is_off() {
    let server = Server::start_with(Limits::default(), |endpoint| endpoint.heartbeat(None)).await;
    let mut client = server.connect().await;
    let silent = tokio::time::timeout(SOON * 10, client.socket.next()).await;
    assert!(silent.is_err(), "{silent:?}");
    client.ping().await;
}

#[tokio::test]
async fn a_client_that_asks_itself_is_answered_with_its_own_content() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    let content = Bytes::from_static(b"are you there");
    within(client.socket.send(Message::Ping(content.clone())))
        .await
        .unwrap();
    let answer = within(client.socket.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong(content));
}
