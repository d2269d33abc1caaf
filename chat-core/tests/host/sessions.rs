//! Who is there, and how the application ends that.

use std::time::Duration;

use bytes::Bytes;
use chat_core::faulty::Fault;
use chat_core::protocol::Login;
use chat_core::types::{Device, Password, Token, User};
use chat_core::{Chat, Connection, ErrorCode, Next, SessionOptions};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::fixture::{LONG, World, name, session, session_on, user};

/// A connection of an authenticated user, on this device.
async fn connection(chat: &Chat, user: &User, device: &str) -> Connection {
    let options = SessionOptions {
        device: Device::parse(device).unwrap(),
        ..SessionOptions::default()
    };
    chat.accept_as(user.id, options, None).await.unwrap()
}

/// Reads a connection to its end, and answers its last frame.
async fn last_frame(connection: &mut Connection) -> Value {
    let reading = async {
        let mut last = None;
        loop {
            let mut frames: Vec<Bytes> = Vec::new();
            let next = connection.next_frames(&mut frames).await;
            connection.written();
            last = frames.pop().or(last);
            if next == Next::Close {
                return last.unwrap();
            }
        }
    };
    let last = timeout(LONG, reading).await.expect("the connection ends");
    serde_json::from_slice(&last).unwrap()
}

fn devices(chat: &Chat, user: &User) -> Vec<String> {
    let sessions = chat.host().sessions(user.id).into_iter();
    let mut devices: Vec<_> = sessions.map(|session| session.device.to_string()).collect();
    devices.sort();
    devices
}

/// Waits until as many users are online.
async fn expect_online(chat: &Chat, count: usize) {
    let reached = async {
        while chat.host().online_count().await.unwrap() != count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, reached).await.expect("so many are online");
}

#[tokio::test(start_paused = true)]
async fn a_user_has_the_sessions_that_are_on_this_node() {
    let world = World::default();
    let (one, other) = (world.chat(), world.chat());
    let alice = user(&one, "alice").await;
    let _phone = session_on(&one, alice.id, "phone").await;
    let web = session_on(&one, alice.id, "web").await;
    let _tablet = session_on(&other, alice.id, "tablet").await;
    assert_eq!(devices(&one, &alice), ["phone", "web"]);
    assert_eq!(devices(&other, &alice), ["tablet"]);
    let numbers: Vec<_> = one.host().sessions(alice.id).iter().map(|info| info.id).collect();
    assert!(numbers.contains(&web.id()));
    drop(web);
    assert_eq!(devices(&one, &alice), ["phone"]);
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn whose_sessions_the_application_ends_is_told_so_on_every_node() {
    let world = World::default();
    let (one, other) = (world.chat(), world.chat());
    let (alice, bob) = (user(&one, "alice").await, user(&one, "bob").await);
    let mut here = connection(&one, &alice, "phone").await;
    let mut there = connection(&other, &alice, "web").await;
    let of_bob = session(&one, bob.id).await;

    assert_eq!(one.host().expel(alice.id, None), 1);
    assert!(devices(&one, &alice).is_empty());
    assert_eq!(one.host().expel(alice.id, None), 0);
    let goodbye =
        json!({"type": "goodbye", "code": "expelled", "message": "the application closed this session"});
    assert_eq!(last_frame(&mut here).await, goodbye);
    assert_eq!(last_frame(&mut there).await, goodbye);
    assert!(of_bob.goodbye().is_none());
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn of_one_device_only_its_session_ends() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let mut phone = connection(&chat, &alice, "phone").await;
    let web = session_on(&chat, alice.id, "web").await;
    let device = Device::parse("phone").unwrap();
    assert_eq!(chat.host().expel(alice.id, Some(device)), 1);
    assert_eq!(last_frame(&mut phone).await["code"], "expelled");
    assert!(web.goodbye().is_none());
    assert_eq!(devices(&chat, &alice), ["web"]);
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_lets_nobody_back_in_and_leaves_sessions_and_the_password() {
    let world = World::default();
    let chat = world.chat();
    let password = Password::parse("correct horse").unwrap();
    let alice = chat.register(name("alice"), &password).await.unwrap();
    let by_password = || Login::password(name("alice"), password.clone());
    let session = chat.login(by_password()).await.unwrap();
    let token: Token = session.welcome().token.clone().unwrap();
    chat.host().revoke_tokens(alice.id).await.unwrap();
    assert!(session.goodbye().is_none());
    let refused = chat.login(Login::token(token)).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidCredentials);
    chat.login(by_password()).await.unwrap();
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn users_are_counted_once_over_all_nodes_while_they_are_online() {
    let world = World::default();
    let (one, other) = (world.chat(), world.chat());
    let users = [
        user(&one, "alice").await,
        user(&one, "bob").await,
        user(&one, "carol").await,
    ];
    let ids = users.each_ref().map(|user| user.id);
    expect_online(&one, 0).await;
    let _here = session_on(&one, ids[0], "phone").await;
    let _there = session_on(&other, ids[0], "web").await;
    let of_bob = session(&other, ids[1]).await;
    for chat in [&one, &other] {
        expect_online(chat, 2).await;
        let online = chat.host().are_online(&ids).await.unwrap();
        assert_eq!(online, [true, true, false]);
    }
    drop(of_bob);
    expect_online(&one, 1).await;
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_called_offline_because_presence_is_away() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let _session = session(&chat, alice.id).await;
    world.presence.away("count", Fault::FailBefore);
    world.presence.away("online", Fault::FailBefore);
    let error = chat.host().online_count().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    let error = chat.host().are_online(&[alice.id]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    chat.shutdown().await;
}
