//! Frames of clients that are quick, slow, silent or gone.

use std::time::Duration;

use chat_core::Limits;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use crate::counted::series;
use crate::fixture::{Client, Server, pings, unlimited_requests, within};

#[tokio::test]
async fn many_requests_in_one_piece_are_answered_in_order_though_the_client_sends_no_more() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send_bytes(pings(10_000).as_bytes()).await;
    within(client.output.shutdown()).await.unwrap();
    for number in 0..10_000 {
        assert_eq!(client.frame().await["ref"], number);
    }
    assert_eq!(client.next_frame().await, None);
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn a_send_is_answered_though_the_client_sends_no_more() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.logged_in("alice").await;
    client
        .send(&json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "a note"}))
        .await;
    within(client.output.shutdown()).await.unwrap();
    assert_eq!(client.frame().await["type"], "sent");
    assert_eq!(client.next_frame().await, None);
}

#[tokio::test]
async fn a_client_that_is_gone_has_no_session_any_more() {
    let server = Server::start(Limits::default()).await;
    let mut alice = server.logged_in("alice").await;
    let bob = server.logged_in("bob").await;
    alice.send(&json!({"type": "add_friend", "user": 2})).await;
    assert_eq!(alice.frame().await["user"]["online"], true);
    drop(bob);
    let presence = alice.frame().await;
    assert_eq!(
        (&presence["type"], &presence["online"]),
        (&json!("presence"), &json!(false))
    );
}

#[tokio::test]
async fn frames_may_come_byte_by_byte_and_end_in_either_way() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    for byte in b"\n\r\n{\"type\":\"ping\",\"ref\":1}\r\n{\"type\":\"ping\",\"ref\":2}\n" {
        client.send_bytes(&[*byte]).await;
        yield_now().await;
    }
    assert_eq!(client.frame().await["ref"], 1);
    assert_eq!(client.frame().await["ref"], 2);
}

#[tokio::test]
async fn a_line_without_end_gets_its_goodbye_though_the_client_goes_on_sending() {
    let server = Server::start(Limits {
        max_frame: 2_000,
        ..Limits::default()
    })
    .await;
    let mut client = server.connect().await;
    client.send_bytes(&vec![b'x'; 64 * 1_024 * 1_024]).await;
    let goodbye = client.frame().await;
    assert_eq!(
        (&goodbye["type"], &goodbye["code"]),
        (&json!("goodbye"), &json!("frame_too_large"))
    );
    assert_eq!(client.next_frame().await, None);
    server.connect().await.ping().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_not_read_from_either_and_loses_nothing() {
    let server = Server::start(unlimited_requests()).await;
    let mut client = server.connect_narrowly().await;
    let batch = pings(1_000);
    let sent = client.fill(batch.as_bytes()).await;
    let rest = &batch.as_bytes()[sent % batch.len()..];
    assert!(
        sent < 16 * 1_024 * 1_024,
        "{sent} bytes were taken from a client that does not read"
    );
    server.connect().await.ping().await;

    let Client {
        mut input,
        mut output,
    } = client;
    let due = (sent + rest.len()) / batch.len() * 1_000;
    let finish = async {
        output.write_all(rest).await.unwrap();
        output.shutdown().await.unwrap();
    };
    let replies = async {
        let (mut count, mut line) = (0, String::new());
        while input.read_line(&mut line).await.unwrap() > 0 {
            assert!(
                line.contains(&format!("\"ref\":{}}}", count % 1_000)),
                "{count}: {line}"
            );
            count += 1;
            line.clear();
        }
        count
    };
    let (count, ()) = within(async { tokio::join!(replies, finish) }).await;
    assert_eq!(count, due);
}

#[tokio::test]
async fn an_acknowledgement_without_reply_does_not_hold_up_what_came_with_it() {
    // A session that remembers one conversation has to ask the store about the other, and takes
    // no frame meanwhile.
    let server = Server::start(Limits {
        session_conversations: 1,
        ..Limits::default()
    })
    .await;
    let mut alice = server.logged_in("alice").await;
    let note = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "a note"});
    alice.send(&note).await;
    assert_eq!(alice.frame().await["type"], "sent");
    alice.acknowledge_and_ping("d:1:1").await;
    for (name, conversation) in [("bob", "d:1:2"), ("carol", "d:1:3")] {
        server.logged_in(name).await.send(&note).await;
        assert_eq!(alice.frame().await["conversation"], conversation);
        alice.acknowledge_and_ping(conversation).await;
    }
    alice.acknowledge_and_ping("d:1:1").await;
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
    second.send_bytes(b"{\"type\":\"ping\"}\n").await;
    assert_eq!(second.frame().await["code"], "too_many_connections");
    assert_eq!(second.next_frame().await, None);
    first.ping().await;
    drop(first);
    server.has_connections(0).await;
    server.connect().await.ping().await;
}

/// On one thread, whose recorder is the test's own.
#[tokio::test]
async fn where_very_many_are_refused_the_rest_is_closed_without_a_word_and_counted() {
    const MANY: usize = 200;
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let server = Server::start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.connect().await;
    first.ping().await;
    let mut refused = Vec::new();
    for _ in 0..MANY {
        refused.push(server.connect().await);
    }
    let mut silent = 0;
    for client in &mut refused {
        match client.next_frame().await {
            Some(frame) => assert_eq!(frame["code"], "too_many_connections"),
            None => silent += 1,
        }
    }
    assert!(0 < silent && silent < MANY, "{silent}");
    let of_all = series(&counted)["chat_tcp_silent_refusals_total"];
    assert_eq!(usize::try_from(of_all), Ok(silent));
    first.ping().await;
}

#[tokio::test]
async fn what_was_written_is_acknowledged_for_the_client_that_asks_for_it() {
    let server = Server::start(Limits::default()).await;
    let mut alice = server.logged_in("alice").await;
    drop(server.logged_in("bob").await);
    let log_in = async || {
        let mut bob = server.connect().await;
        bob.send(&json!({"type": "login", "name": "bob", "password": "correct horse", "device": "phone", "ack": "auto"}))
            .await;
        assert_eq!(bob.frame().await["type"], "welcome");
        bob
    };
    let mut bob = log_in().await;
    assert_eq!(bob.frame().await["type"], "synced");
    alice
        .send(&json!({"type": "send", "ref": 1, "to": {"user": 2}, "body": "hello"}))
        .await;
    assert_eq!(bob.frame().await["body"], "hello");
    bob.ping().await;
    drop(bob);
    server.has_connections(1).await;
    // It does not come again.
    assert_eq!(log_in().await.frame().await["type"], "synced");
}

#[tokio::test]
async fn a_client_may_vanish_at_any_byte() {
    let server = Server::start(Limits::default()).await;
    let dialogue = "{\"type\":\"register\",\"name\":\"eve\",\"password\":\"correct horse\"}\n\
                    {\"type\":\"login\",\"name\":\"eve\",\"password\":\"correct horse\"}\n";
    for end in (0..dialogue.len()).step_by(3) {
        let mut client = server.connect().await;
        client.send_bytes(&dialogue.as_bytes()[..end]).await;
        // Every other one as a machine that crashes: the connection is reset.
        if end % 2 == 0 {
            client.output.as_ref().set_zero_linger().unwrap();
        }
    }
    let mut witness = server.connect().await;
    witness.ping().await;
    server.has_connections(1).await;
    drop(witness);
    server.end().await;
}

#[tokio::test]
async fn draining_says_goodbye_and_then_nothing_listens_any_more() {
    let server = Server::start(Limits::default()).await;
    let (address, mut client) = (server.address, server.logged_in("alice").await);
    let told = async {
        let goodbye = client.frame().await;
        assert_eq!(goodbye["code"], "server_draining", "{goodbye}");
        assert_eq!(client.next_frame().await, None);
        drop(client);
    };
    tokio::join!(server.end(), told);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_never_reads_cannot_hold_up_the_end() {
    let limits = Limits {
        close_timeout: Duration::from_millis(100),
        ..unlimited_requests()
    };
    let server = Server::start(limits).await;
    let mut client = server.connect_narrowly().await;
    client.fill(pings(1_000).as_bytes()).await;
    within(server.end()).await;
    drop(client);
}

#[tokio::test]
async fn dropping_the_transport_ends_every_connection() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.ping().await;
    server.serving.abort();
    assert_eq!(client.next_frame().await, None);
    server.has_connections(0).await;
}
