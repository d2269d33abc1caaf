use std::net::IpAddr;
use std::time::Duration;

use chat_core::faulty::Fault;
use chat_core::{GoodbyeCode, Limits};

use crate::fixture::{World, connection, frames_until, user};

const PING: &[u8] = br#"{"type":"ping"}"#;

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_too_often_is_closed() {
    let limits = Limits {
        errors_burst: 2,
        errors_per_second: 1,
        ..Limits::default()
    };
    let chat = World::default().chat_with(limits);
    let mut connection = chat.accept(None).unwrap();
    for _ in 0..2 {
        connection.receive(b"rubbish");
        let frames = frames_until(&mut connection, "error").await;
        assert_eq!(frames[0]["code"], "bad_frame");
    }
    connection.receive(b"rubbish");
    let frames = frames_until(&mut connection, "goodbye").await;
    assert_eq!(frames[0]["code"], "bad_frame");
    assert_eq!(frames[1]["code"], "too_many_errors");
    assert!(!connection.wants_frames());
}

#[tokio::test(start_paused = true)]
async fn the_longest_frame_is_taken_and_a_longer_one_ends_the_connection() {
    let limits = Limits {
        max_frame: PING.len(),
        ..Limits::default()
    };
    let chat = World::default().chat_with(limits);
    let mut connection = chat.accept(None).unwrap();
    connection.receive(PING);
    frames_until(&mut connection, "pong").await;
    connection.receive(&[PING, b" "].concat());
    let frames = frames_until(&mut connection, "goodbye").await;
    assert_eq!(frames[0]["code"], "frame_too_large");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_too_fast_is_told_when_to_ask_again() {
    let limits = Limits {
        requests_burst: 2,
        requests_per_second: 1,
        ..Limits::default()
    };
    let chat = World::default().chat_with(limits);
    let mut connection = chat.accept(None).unwrap();
    for _ in 0..2 {
        connection.receive(PING);
        frames_until(&mut connection, "pong").await;
    }
    connection.receive(PING);
    let frames = frames_until(&mut connection, "error").await;
    assert_eq!(frames[0]["code"], "rate_limited");
    let wait = frames[0]["retry_after_ms"].as_u64().expect("a time to wait");
    tokio::time::sleep(Duration::from_millis(wait)).await;
    connection.receive(PING);
    frames_until(&mut connection, "pong").await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_is_told_goodbye() {
    let chat = World::default().chat();
    let mut connection = chat.accept(None).unwrap();
    let frames = frames_until(&mut connection, "goodbye").await;
    assert_eq!(frames[0]["code"], "login_timeout");
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_for_too_long_is_told_goodbye_and_who_speaks_is_not() {
    let limits = Limits {
        idle_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    let chat = World::default().chat_with(limits);
    let alice = user(&chat, "alice").await;
    let mut connection = connection(&chat, &alice).await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(40)).await;
        connection.receive(PING);
        frames_until(&mut connection, "pong").await;
    }
    let frames = frames_until(&mut connection, "goodbye").await;
    assert_eq!(frames[0]["code"], "idle_timeout");
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_the_limits_are_refused_until_one_has_gone() {
    let limits = Limits {
        connections: 2,
        connections_per_address: 1,
        ..Limits::default()
    };
    let chat = World::default().chat_with(limits);
    let address = Some(IpAddr::from([192, 0, 2, 1]));
    let first = chat.accept(address).unwrap();
    let refused = chat.accept(address).unwrap_err();
    assert_eq!(refused.code, GoodbyeCode::TooManyConnections);
    let _second = chat.accept(None).unwrap();
    let refused = chat.accept(None).unwrap_err();
    assert_eq!(refused.code, GoodbyeCode::TooManyConnections);
    drop(first);
    assert_eq!(chat.connection_count(), 1);
    assert!(chat.accept(address).is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_frame_is_wanted_while_as_many_sends_wait_as_are_allowed() {
    let world = World::default();
    let limits = Limits {
        pipelined_sends: 2,
        ..Limits::default()
    };
    let chat = world.chat_with(limits);
    let alice = user(&chat, "alice").await;
    let mut connection = connection(&chat, &alice).await;
    world.store.away("append", Fault::Delay(Duration::from_secs(1)));
    let send = format!(r#"{{"type":"send","to":{{"user":{}}},"body":"note"}}"#, alice.id);
    connection.receive(send.as_bytes());
    assert!(connection.wants_frames());
    connection.receive(send.as_bytes());
    assert!(!connection.wants_frames());
    let frames = frames_until(&mut connection, "sent").await;
    assert_eq!(frames[0]["seq"], 1);
    if frames.len() == 1 {
        frames_until(&mut connection, "sent").await;
    }
    assert!(connection.wants_frames());
}
