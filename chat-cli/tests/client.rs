//! The reconnecting client against a server that does what each test says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

mod fake_server;

use std::sync::Arc;
use std::time::Duration;

use chat_client::{Acknowledge, Client, ClientEvent, ClientOptions, Credentials, Error, Limits};
use chat_core::protocol::{Event, OutgoingMessage, Recipient, Request};
use chat_core::types::MessageId;
use chat_core::{ErrorCode, GoodbyeCode};
use fake_server::{FakeDialer, FakeServer, Peer};
use serde_json::json;
use tokio::time::Instant;

fn options() -> ClientOptions {
    let mut options = ClientOptions::new("unused", Credentials::password("alice", "correct horse").unwrap());
    options.device = "laptop".parse().unwrap();
    options
}

async fn connected(options: ClientOptions) -> (Client, Peer, FakeServer, Arc<FakeDialer>) {
    let (server, dialer) = FakeServer::in_process();
    let (client, peer) = tokio::join!(
        Client::connect_by(Arc::clone(&dialer) as _, options),
        server.accept_login("token-1"),
    );
    (client.unwrap(), peer, server, dialer)
}

fn message(body: &str) -> OutgoingMessage {
    OutgoingMessage::text(Recipient::User("2".parse().unwrap()), body).unwrap()
}

/// The bodies of the messages among the next events, until there are `count`.
async fn bodies(client: &mut Client, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < count {
        if let ClientEvent::Server(Event::Message(message)) = client.next_event().await.unwrap() {
            bodies.push(message.body.as_str().to_owned());
        }
    }
    bodies
}

async fn end(client: &mut Client) -> Error {
    let ending = async {
        loop {
            if let Err(error) = client.next_event().await {
                return error;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(3_600), ending)
        .await
        .expect("the client does not end")
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_sends_unanswered_messages_again_with_their_ids_and_only_those() {
    let (client, mut peer, server, _) = connected(options()).await;
    let own_id = message("one").with_id(MessageId::parse("own-id").unwrap());
    let answers = [own_id, message("two"), message("three")].map(|message| client.queue(message).unwrap());
    let (one, two, three) = (
        peer.expect("send").await,
        peer.expect("send").await,
        peer.expect("send").await,
    );
    assert_eq!(one["id"], "own-id");
    peer.reply_sent(&two, 11).await;
    let [first, second, third] = answers;
    assert_eq!(second.await.unwrap().seq.get(), 11);
    drop(peer);

    let mut peer = server.accept_login("token-2").await;
    let (one_again, three_again) = (peer.expect("send").await, peer.expect("send").await);
    for (before, after) in [(&one, &one_again), (&three, &three_again)] {
        assert_eq!((&before["id"], &before["body"]), (&after["id"], &after["body"]));
        assert!(before["id"].is_string());
    }
    peer.reply_sent(&one_again, 12).await;
    peer.reply_sent(&three_again, 13).await;
    assert_eq!(
        (first.await.unwrap().seq.get(), third.await.unwrap().seq.get()),
        (12, 13)
    );
    peer.expect_silence(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_logs_in_by_the_latest_token_with_the_same_device() {
    let (_client, peer, server, _) = connected(options()).await;
    drop(peer);
    let login = server.accept().await.welcome("token-2").await;
    assert_eq!(
        (&login["token"], &login["device"]),
        (&json!("token-1"), &json!("laptop"))
    );
    assert!(login["password"].is_null() && login["name"].is_null());
    let login = server.accept().await.welcome("token-3").await;
    assert_eq!(login["token"], "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_ended_is_replaced_by_the_password() {
    let (mut client, peer, server, _) = connected(options()).await;
    drop(peer);
    let mut peer = server.accept().await;
    let by_token = peer.expect("login").await;
    peer.reply(
        &by_token,
        json!({"type": "error", "code": "invalid_credentials", "message": "no"}),
    )
    .await;
    assert_eq!(peer.welcome("token-2").await["password"], "correct horse");
    peer.deliver("d:1:2", 1, "hello").await;
    assert_eq!(bodies(&mut client, 1).await, ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_ends_the_client() {
    let mut options = options();
    options.credentials = Credentials::token("t".parse_token());
    let (mut client, peer, server, _) = connected(options).await;
    drop(peer);
    let mut peer = server.accept().await;
    let login = peer.expect("login").await;
    peer.reply(
        &login,
        json!({"type": "error", "code": "invalid_credentials", "message": "no"}),
    )
    .await;
    let error = end(&mut client).await;
    assert!(matches!(error, Error::Refused(refusal) if refusal.code == ErrorCode::InvalidCredentials));
    assert!(matches!(client.send(message("x")).await, Err(Error::Refused(_))));
}

trait ParseToken {
    fn parse_token(&self) -> chat_core::types::Token;
}

impl ParseToken for str {
    fn parse_token(&self) -> chat_core::types::Token {
        chat_core::types::Token::parse(self).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_delivered_again_is_handed_out_once() {
    let (mut client, mut peer, server, _) = connected(options()).await;
    peer.deliver("d:1:2", 1, "one").await;
    peer.deliver("d:1:2", 2, "two").await;
    peer.deliver("g:3", 1, "group").await;
    assert_eq!(bodies(&mut client, 3).await, ["one", "two", "group"]);
    drop(peer);
    let mut peer = server.accept_login("token-2").await;
    peer.deliver("d:1:2", 2, "two").await;
    peer.deliver("g:3", 1, "group").await;
    peer.deliver("d:1:2", 3, "three").await;
    assert_eq!(bodies(&mut client, 1).await, ["three"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_ones_own_that_a_later_session_delivers_is_left_out() {
    let (mut client, mut peer, server, _) = connected(options()).await;
    let answer = client.queue(message("mine")).unwrap();
    let send = peer.expect("send").await;
    peer.reply_sent(&send, 2).await;
    answer.await.unwrap();
    drop(peer);
    let mut peer = server.accept_login("token-2").await;
    peer.deliver("d:1:2", 1, "one").await;
    peer.deliver("d:1:2", 2, "mine").await;
    peer.deliver("d:1:2", 3, "three").await;
    assert_eq!(bodies(&mut client, 2).await, ["one", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_when_the_next_event_is_asked_for_and_not_before() {
    let (mut client, mut peer, ..) = connected(options()).await;
    peer.deliver("d:1:2", 1, "one").await;
    assert_eq!(bodies(&mut client, 1).await, ["one"]);
    peer.expect_silence(Duration::from_secs(5)).await;
    let (_, ack) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(5), client.next_event()),
        peer.expect("ack"),
    );
    assert_eq!((&ack["conversation"], &ack["seq"]), (&json!("d:1:2"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_are_gathered_and_repeated_after_a_loss() {
    let (mut client, mut peer, server, _) = connected(options()).await;
    for seq in 1..=20 {
        peer.deliver("d:1:2", seq, "x").await;
    }
    bodies(&mut client, 20).await;
    drop(peer);
    let mut peer = server.accept_login("token-2").await;
    for seq in 1..=20 {
        peer.deliver("d:1:2", seq, "x").await;
    }
    let (_, ack) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(5), client.next_event()),
        peer.expect("ack"),
    );
    assert!(ack["seq"] == 19 || ack["seq"] == 20, "{ack}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_where_the_application_does_it() {
    let (mut client, mut peer, ..) = connected(ClientOptions {
        acknowledge: Acknowledge::Manually,
        ..options()
    })
    .await;
    peer.deliver("d:1:2", 1, "one").await;
    peer.deliver("d:1:2", 2, "two").await;
    bodies(&mut client, 2).await;
    let (_, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(6), client.next_event()),
        peer.expect_silence(Duration::from_secs(5)),
    );
}

#[tokio::test(start_paused = true)]
async fn closing_acknowledges_what_was_taken_and_waits_for_the_answers() {
    let (mut client, mut peer, ..) = connected(options()).await;
    peer.deliver("d:1:2", 1, "one").await;
    bodies(&mut client, 1).await;
    let answer = client.queue(message("last words")).unwrap();
    let server = async {
        let mut frames = [peer.try_read().await.unwrap(), peer.try_read().await.unwrap()];
        frames.sort_by_key(|frame| frame["type"].to_string());
        let [ack, send] = frames;
        assert_eq!((&ack["type"], &ack["seq"]), (&json!("ack"), &json!(1)));
        peer.reply(&ack, json!({"type": "acked"})).await;
        peer.reply_sent(&send, 2).await;
        // The answer moved the position on, over the client's own message.
        let ack = peer.expect("ack").await;
        assert_eq!(ack["seq"], 2);
        peer.reply(&ack, json!({"type": "acked"})).await;
        assert_eq!(peer.try_read().await, None);
    };
    let (closed, ()) = tokio::join!(client.close(), server);
    closed.unwrap();
    assert_eq!(answer.await.unwrap().seq.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn replaced_and_expelled_end_the_client() {
    for (code, expected) in [
        ("replaced", GoodbyeCode::Replaced),
        ("expelled", GoodbyeCode::Expelled),
    ] {
        let (mut client, mut peer, _server, dialer) = connected(options()).await;
        let answer = client.queue(message("x")).unwrap();
        peer.expect("send").await;
        peer.write(json!({"type": "goodbye", "code": code, "message": "bye"}))
            .await;
        for _ in 0..2 {
            let error = end(&mut client).await;
            assert!(matches!(error, Error::Goodbye(goodbye) if goodbye.code == expected));
        }
        assert!(matches!(answer.await, Err(Error::Goodbye(_))));
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(dialer.dialed(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_is_left_for_as_long_as_it_asks() {
    let (mut client, mut peer, server, _) = connected(options()).await;
    let start = Instant::now();
    let goodbye =
        json!({"type": "goodbye", "code": "server_draining", "message": "later", "retry_after_ms": 7_000});
    peer.write(goodbye).await;
    let mut peer = server.accept_login("token-2").await;
    assert!(start.elapsed() >= Duration::from_secs(7), "{:?}", start.elapsed());
    peer.deliver("d:1:2", 1, "back").await;
    let mut seen = Vec::new();
    loop {
        match client.next_event().await.unwrap() {
            ClientEvent::Server(Event::Message(_)) => break,
            ClientEvent::Disconnected { reason, retry_in } => {
                assert!(
                    reason.contains("later") && retry_in >= Duration::from_secs(7),
                    "{reason}"
                );
                seen.push("disconnected");
            }
            ClientEvent::Reconnected(welcome) => {
                assert_eq!(welcome.token.as_ref().unwrap().reveal(), "token-2");
                seen.push("reconnected");
            }
            _ => {}
        }
    }
    // Both are states: one that was over before it was looked at is not told.
    assert!(
        seen.iter()
            .all(|state| ["disconnected", "reconnected"].contains(state)),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_limited_waits_for_as_long_as_the_server_asks() {
    let (_client, peer, server, _) = connected(options()).await;
    drop(peer);
    let mut peer = server.accept().await;
    let login = peer.expect("login").await;
    let start = Instant::now();
    let limited =
        json!({"type": "error", "code": "rate_limited", "message": "slow", "retry_after_ms": 9_000});
    peer.reply(&login, limited).await;
    server.accept_login("token-2").await;
    assert!(start.elapsed() >= Duration::from_secs(9), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_limited_goes_out_again_with_its_id_after_the_time_asked_for() {
    let (client, mut peer, ..) = connected(options()).await;
    let answer = client.queue(message("x")).unwrap();
    let first = peer.expect("send").await;
    let limited =
        json!({"type": "error", "code": "rate_limited", "message": "slow", "retry_after_ms": 4_000});
    peer.reply(&first, limited).await;
    peer.expect_silence(Duration::from_millis(3_900)).await;
    let again = peer.expect("send").await;
    assert_eq!((&again["id"], &again["body"]), (&first["id"], &first["body"]));
    peer.reply_sent(&again, 1).await;
    answer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_for_good_is_not_repeated_and_one_that_keeps_failing_gives_up() {
    let (client, mut peer, ..) = connected(ClientOptions {
        limits: Limits {
            send_retries: 2,
            ..Limits::default()
        },
        ..options()
    })
    .await;
    let answer = client.queue(message("x")).unwrap();
    let send = peer.expect("send").await;
    peer.reply(
        &send,
        json!({"type": "error", "code": "forbidden", "message": "no"}),
    )
    .await;
    assert!(matches!(answer.await, Err(Error::Refused(refusal)) if refusal.code == ErrorCode::Forbidden));
    peer.expect_silence(Duration::from_secs(30)).await;

    let answer = client.queue(message("y")).unwrap();
    for _ in 0..3 {
        let send = peer.expect("send").await;
        peer.reply(
            &send,
            json!({"type": "error", "code": "unavailable", "message": "away"}),
        )
        .await;
    }
    assert!(matches!(answer.await, Err(Error::Refused(refusal)) if refusal.code == ErrorCode::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn other_requests_are_not_repeated_after_a_loss() {
    let (client, mut peer, server, _) = connected(options()).await;
    let server = async {
        peer.expect("friends").await;
        drop(peer);
        let mut peer = server.accept_login("token-2").await;
        peer.expect_silence(Duration::from_secs(5)).await;
    };
    let (friends, ()) = tokio::join!(client.friends(), server);
    assert!(matches!(friends, Err(Error::ConnectionLost(_))), "{friends:?}");
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_sent_while_away_go_out_afterwards_in_order() {
    let (mut client, peer, server, _) = connected(options()).await;
    drop(peer);
    while !matches!(
        client.next_event().await.unwrap(),
        ClientEvent::Disconnected { .. }
    ) {}
    let answers: Vec<_> = (1..=5)
        .map(|n| client.queue(message(&n.to_string())).unwrap())
        .collect();
    assert!(matches!(client.friends().await, Err(Error::Away)));
    let mut peer = server.accept_login("token-2").await;
    for (seq, answer) in (1..).zip(answers) {
        let send = peer.expect("send").await;
        assert_eq!(send["body"], seq.to_string());
        peer.reply_sent(&send, seq).await;
        assert_eq!(answer.await.unwrap().seq.get(), seq);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_are_bounded() {
    let limits = Limits {
        unanswered_sends: 4,
        ..Limits::default()
    };
    let (mut client, peer, _server, _) = connected(ClientOptions { limits, ..options() }).await;
    drop(peer);
    while !matches!(
        client.next_event().await.unwrap(),
        ClientEvent::Disconnected { .. }
    ) {}
    let mut taken = Vec::new();
    let refusal = loop {
        match client.queue(message("x")) {
            Ok(answer) => taken.push(answer),
            Err(error) => break error,
        }
        assert!(taken.len() <= 8, "no bound");
        tokio::task::yield_now().await;
    };
    assert!(matches!(refusal, Error::QueueFull { limit: 4 }), "{refusal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_in_the_middle_of_a_line_is_a_loss_and_no_message() {
    let (mut client, mut peer, server, _) = connected(options()).await;
    peer.write_text("{\"type\":\"message\",\"conversation\":\"d:1:2\",\"seq\":1,\"fro")
        .await;
    drop(peer);
    let mut peer = server.accept_login("token-2").await;
    peer.deliver("d:1:2", 1, "whole").await;
    assert_eq!(bodies(&mut client, 1).await, ["whole"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_taking_events_stops_the_reading_and_loses_nothing() {
    let limits = Limits {
        events: 8,
        ..Limits::default()
    };
    let (mut client, mut peer, server, _) = connected(ClientOptions { limits, ..options() }).await;
    // More than the queue and the pipe between the two can hold: the server must be made to wait.
    let long = "x".repeat(8_000);
    let mut written = 0_u64;
    while tokio::time::timeout(Duration::from_secs(5), peer.deliver("d:1:2", written + 1, &long))
        .await
        .is_ok()
    {
        written += 1;
        assert!(written < 100, "the client reads without end");
    }
    drop(peer);
    let mut delivered = bodies(&mut client, 8).await.len() as u64;
    let mut peer = server.accept_login("token-2").await;
    let server = async {
        for seq in 1..=written {
            peer.deliver("d:1:2", seq, &long).await;
        }
        peer.deliver("d:1:2", written + 1, "last").await;
        peer
    };
    let application = async {
        while bodies(&mut client, 1).await != ["last"] {
            delivered += 1;
        }
    };
    tokio::join!(server, application);
    assert_eq!(delivered, written);
}

#[tokio::test(start_paused = true)]
async fn replies_find_their_requests_in_any_order_with_events_between() {
    let (client, mut peer, ..) = connected(options()).await;
    let server = async {
        let mut requests = [peer.try_read().await.unwrap(), peer.try_read().await.unwrap()];
        requests.sort_by_key(|request| request["type"].to_string());
        let [friends, groups] = requests;
        peer.reply(&groups, json!({"type": "groups", "groups": []})).await;
        peer.deliver("d:1:2", 1, "between").await;
        peer.write(json!({"type": "a_newer_servers_event", "x": 1})).await;
        let bob = json!({"id": 2, "name": "bob", "online": false});
        peer.reply(&friends, json!({"type": "friends", "friends": [bob]}))
            .await;
    };
    let (friends, groups, ()) = tokio::join!(client.friends(), client.groups(), server);
    assert_eq!((friends.unwrap().len(), groups.unwrap().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_no_more_counts_as_lost() {
    let (client, mut peer, server, _) = connected(options()).await;
    let answer = client.queue(message("x")).unwrap();
    let before = peer.expect("send").await;
    // The old connection stays open and silent.
    let mut next = server.accept_login("token-2").await;
    let after = next.expect("send").await;
    assert_eq!(before["id"], after["id"]);
    next.reply_sent(&after, 1).await;
    answer.await.unwrap();
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_asks_for_a_sign_of_life() {
    let (_client, mut peer, ..) = connected(options()).await;
    let ping = peer.expect("ping").await;
    peer.reply(&ping, json!({"type": "pong", "at": 1})).await;
    peer.expect("ping").await;
}

#[tokio::test(start_paused = true)]
async fn the_waits_between_attempts_grow_to_their_bound() {
    let (_client, peer, server, dialer) = connected(options()).await;
    drop(peer);
    let start = Instant::now();
    for _ in 0..20 {
        drop(server.accept().await);
    }
    assert_eq!(dialer.dialed(), 21);
    // Without jitter: 0.2 + 0.4 + … + 12.8, then 20 s each; with it at most twice as long.
    let least: f64 = (0..7).map(|n| 0.2 * f64::from(1 << n)).sum::<f64>() + 13.0 * 20.0;
    let waited = start.elapsed().as_secs_f64();
    assert!((least..=2.0 * least + 1.0).contains(&waited), "{waited} {least}");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_client_closes_its_connection() {
    let (client, mut peer, ..) = connected(options()).await;
    let handle = client.handle();
    drop(client);
    assert_eq!(peer.try_read().await, None);
    assert!(matches!(handle.request(Request::Ping).await, Err(Error::Closed)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::connect(ClientOptions::new(address.clone(), options().credentials))
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::Unreachable { server, .. } if *server == address));
    assert!(error.is_unreachable());
}
