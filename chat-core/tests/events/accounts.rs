//! Accounts and sessions.

use std::time::Duration;

use chat_core::protocol::Login;
use chat_core::types::{Device, Password, Token};
use chat_core::{Chat, Connection, NamesInLog, SessionOptions};
use serde_json::json;

use crate::stage::{PASSWORD, Stage, ask, frames_until, name, password, user};

/// The first 16 digits of `printf alice | sha256sum`.
const ALICE: &str = "2bd806c97f0e00af";

/// Registers, logs in, and fails to.
async fn come_in(chat: &Chat) {
    let alice = chat.register(name("Alice"), &password()).await.unwrap();
    let session = chat.login(Login::password(alice.name.clone(), password())).await;
    let token = session.unwrap().welcome().token.clone().unwrap();
    chat.login(Login::token(token)).await.unwrap();
    let session = chat.session(alice.id, SessionOptions::default()).await;
    drop(session.unwrap());
    let wrong = Password::parse("wrong horse").unwrap();
    chat.login(Login::password(name("ALICE"), wrong))
        .await
        .unwrap_err();
    let unknown = Token::parse("no such token").unwrap();
    chat.login(Login::token(unknown)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn who_registers_and_logs_in_is_recorded_by_id_and_by_a_hash_of_the_name() {
    let stage = Stage::default();
    let chat = stage.chat();
    come_in(&chat).await;
    let registered = stage.only("user_registered");
    assert_eq!(registered["name_hash"], ALICE);
    let user = &registered["user"];
    let methods: Vec<_> = stage.fields_of("logged_in");
    let expected = ["password", "token", "host"].map(|method| json!({"user": user, "method": method}));
    assert_eq!(json!(methods), json!(expected));
    let failed = stage.fields_of("login_failed");
    let expected = json!([{"method": "password", "name_hash": ALICE}, {"method": "token"}]);
    assert_eq!(json!(failed), expected);
}

#[tokio::test(start_paused = true)]
async fn a_user_whom_the_host_makes_is_recorded_once() {
    let stage = Stage::default();
    let chat = stage.chat();
    let first = user(&chat, "alice").await;
    user(&chat, "alice").await;
    assert_eq!(stage.only("user_registered")["user"], first.id.get());
}

#[tokio::test(start_paused = true)]
async fn hashes_of_names_are_left_out_where_that_is_set() {
    let stage = Stage::default();
    let chat = stage.builder().names_in_log(NamesInLog::Omitted).start();
    come_in(&chat).await;
    for event in ["user_registered", "login_failed"] {
        for fields in stage.fields_of(event) {
            assert!(!fields.contains_key("name_hash"), "{event}: {fields:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_recorded_with_its_time_and_the_reason_of_its_end() {
    let stage = Stage::default();
    let chat = stage.chat();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, SessionOptions::default()).await.unwrap();
    let id = session.id().get();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    drop(session);
    let opened = stage.only("session_opened");
    assert_eq!(json!(opened), json!({"session": id, "user": alice.id}));
    let expected = json!({"session": id, "user": alice.id, "reason": "disconnected", "duration_ms": 1_500.0});
    assert_eq!(json!(stage.only("session_closed")), expected);
}

/// Reads up to the goodbye, and goes.
async fn leave(mut connection: Connection) {
    frames_until(&mut connection, "goodbye").await;
}

#[tokio::test(start_paused = true)]
async fn every_way_in_which_a_session_can_end_has_its_reason() {
    let stage = Stage::default();
    let limits = chat_core::Limits {
        idle_timeout: Duration::from_secs(60),
        errors_burst: 1,
        ..chat_core::Limits::default()
    };
    let chat = stage.chat_with(limits);
    let alice = chat.register(name("alice"), &password()).await.unwrap();
    let options = |device: &str| SessionOptions {
        device: Device::parse(device).unwrap(),
        ..SessionOptions::default()
    };
    let typed = chat.session(alice.id, options("a")).await.unwrap();
    typed.logout().await.unwrap();

    let mut wire = chat.accept(None).unwrap();
    let login = json!({"type": "login", "name": "alice", "password": PASSWORD, "device": "b"});
    ask(&mut wire, &login, "synced").await;
    ask(&mut wire, &json!({"type": "logout"}), "logged_out").await;

    let older = chat.accept_as(alice.id, options("c"), None).await.unwrap();
    let expelled = chat.accept_as(alice.id, options("c"), None).await.unwrap();
    leave(older).await;
    chat.host().expel(alice.id, None);
    leave(expelled).await;

    let mut wrong = chat.accept_as(alice.id, options("d"), None).await.unwrap();
    for _ in 0..2 {
        wrong.receive(b"rubbish");
    }
    leave(wrong).await;
    let mut large = chat.accept_as(alice.id, options("e"), None).await.unwrap();
    large.frame_too_large();
    leave(large).await;
    let idle = chat.accept_as(alice.id, options("f"), None).await.unwrap();
    leave(idle).await;
    let last = chat.accept_as(alice.id, options("g"), None).await.unwrap();
    tokio::join!(chat.drain(Duration::ZERO), leave(last));

    let closed = stage.fields_of("session_closed");
    let reasons: Vec<_> = closed
        .iter()
        .map(|fields| fields["reason"].as_str().unwrap())
        .collect();
    let expected = [
        "logged_out",
        "logged_out",
        "replaced",
        "expelled",
        "too_many_errors",
        "frame_too_large",
        "idle_timeout",
        "server_draining",
    ];
    assert_eq!(reasons, expected);
}
