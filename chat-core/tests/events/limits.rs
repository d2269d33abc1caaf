//! Limits that somebody reached.

use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{Event, Login, UserSelector};
use chat_core::types::Password;
use chat_core::{Chat, Limits};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::stage::{Stage, ask, frames_until, name, password, user};

/// A second look comes after this, whenever the first was.
const LOOK: Duration = Duration::from_secs(2);

async fn flood(chat: &Chat, requests: usize) {
    let mut wire = chat.accept(None).unwrap();
    for _ in 0..requests {
        wire.receive(br#"{"type":"ping"}"#);
    }
    frames_until(&mut wire, "error").await;
}

fn one_request() -> Limits {
    Limits {
        requests_burst: 1,
        requests_per_second: 1,
        ..Limits::default()
    }
}

/// Reaches a limit, many times.
pub(crate) async fn reach(stage: &Stage) {
    let chat = stage.chat_with(one_request());
    flood(&chat, 8).await;
    sleep(LOOK).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_reached_all_the_time_is_recorded_each_ten_seconds_with_the_count() {
    let stage = Stage::default();
    let chat = stage.chat_with(one_request());
    for _ in 0..60 {
        flood(&chat, 11).await;
        sleep(Duration::from_millis(500)).await;
    }
    sleep(Duration::from_secs(20)).await;
    let hits = stage.fields_of("limit_hit");
    assert!((4..=5).contains(&hits.len()), "{hits:?}");
    assert!(hits.iter().all(|hit| hit["limit"] == "requests_per_second"));
    let counts: Vec<_> = hits.iter().map(|hit| hit["count"].as_u64().unwrap()).collect();
    // Of each flood one request is allowed.
    assert_eq!(counts.iter().sum::<u64>(), 600, "{counts:?}");
}

/// The limits that were recorded, sorted.
async fn recorded(stage: &Stage) -> Vec<String> {
    sleep(LOOK).await;
    let hits = stage.fields_of("limit_hit").into_iter();
    let mut limits: Vec<_> = hits
        .map(|hit| hit["limit"].as_str().unwrap().to_owned())
        .collect();
    limits.sort_unstable();
    limits
}

#[tokio::test(start_paused = true)]
async fn limits_of_connections_and_frames_are_recorded_by_name() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        connections: 3,
        connections_per_address: 1,
        errors_burst: 1,
        idle_timeout: Duration::from_secs(20),
        ..Limits::default()
    });
    let address = Some([192, 0, 2, 1].into());
    let first = chat.accept(address).unwrap();
    chat.accept(address).unwrap_err();
    let mut second = chat.accept(None).unwrap();
    let mut third = chat.accept(None).unwrap();
    chat.accept(None).unwrap_err();
    second.frame_too_large();
    third.receive(b"rubbish");
    third.receive(b"rubbish");
    frames_until(&mut third, "goodbye").await;
    drop((second, third));
    let alice = user(&chat, "alice").await;
    let mut idle = chat.accept_as(alice.id, Default::default(), None).await.unwrap();
    frames_until(&mut idle, "goodbye").await;
    drop(idle);
    sleep(chat.limits().login_timeout + chat.limits().close_timeout).await;
    drop(first);
    let expected = [
        "close_timeout",
        "connections",
        "connections_per_address",
        "errors_per_second",
        "idle_timeout",
        "login_timeout",
        "max_frame",
    ];
    assert_eq!(recorded(&stage).await, expected);
}

#[tokio::test(start_paused = true)]
async fn limits_of_accounts_are_recorded_by_name() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        registrations_per_minute: 1,
        failed_logins_burst: 1,
        failed_logins_per_address_burst: 3,
        friends_per_user: 1,
        groups_per_user: 1,
        ..Limits::default()
    });
    let address = Some([192, 0, 2, 1].into());
    let mut wire = chat.accept(address).unwrap();
    let register = json!({"type": "register", "name": "alice", "password": "correct horse"});
    ask(&mut wire, &register, "registered").await;
    ask(&mut wire, &register, "error").await;
    for _ in 0..3 {
        let login = json!({"type": "login", "name": "alice", "password": "wrong horse"});
        ask(&mut wire, &login, "error").await;
        let login = json!({"type": "login", "token": "no such token"});
        ask(&mut wire, &login, "error").await;
    }
    let others = [user(&chat, "bob").await, user(&chat, "carol").await];
    let session = chat.session(others[0].id, Default::default()).await.unwrap();
    let alice = user(&chat, "alice").await;
    session.add_friend(UserSelector::Id(alice.id)).await.unwrap();
    session
        .add_friend(UserSelector::Id(others[1].id))
        .await
        .unwrap_err();
    for (group, is_made) in [("one", true), ("two", false)] {
        let request = serde_json::from_value(json!({"name": group})).unwrap();
        assert_eq!(session.create_group(request).await.is_ok(), is_made);
    }
    let expected = [
        "failed_logins_per_address_per_minute",
        "failed_logins_per_minute",
        "friends_per_user",
        "groups_per_user",
        "registrations_per_minute",
    ];
    assert_eq!(recorded(&stage).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_of_passwords_is_recorded() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        password_queue: 0,
        ..Limits::default()
    });
    chat.register(name("alice"), &password()).await.unwrap_err();
    assert_eq!(recorded(&stage).await, ["password_queue"]);
}

#[tokio::test(start_paused = true)]
async fn full_queues_and_times_that_ran_out_are_recorded_by_name() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        writer_queue: 1,
        writer_batch: 1,
        bus_queue: 1,
        pending_acks: 0,
        // Nothing unusual: it is not recorded.
        session_notices: 1,
        ..Limits::default()
    });
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let mut wire = chat.accept_as(alice.id, Default::default(), None).await.unwrap();
    let mut reader = chat.session(bob.id, Default::default()).await.unwrap();
    assert_eq!(reader.next_event().await, Some(Event::Synced));
    stage.bus.away("publish", Fault::Delay(Duration::from_secs(60)));
    let send = json!({"type": "send", "to": {"user": bob.id}, "body": "hello"}).to_string();
    for _ in 0..6 {
        wire.receive(send.as_bytes());
    }
    for _ in 0..6 {
        frames_until(&mut wire, "sent").await;
    }
    let Some(Event::Message(message)) = reader.next_event().await else {
        panic!("a message comes")
    };
    let ack = json!({"conversation": message.conversation, "seq": 1});
    reader.ack(serde_json::from_value(ack).unwrap()).await.unwrap();
    stage
        .presence
        .away(Faults::ANY, Fault::Delay(Duration::from_secs(60)));
    stage.store.away("friends", Fault::Delay(Duration::from_secs(60)));
    reader.friends().await.unwrap_err();
    let expected = [
        "bus_queue",
        "bus_timeout",
        "pending_acks",
        "presence_timeout",
        "store_timeout",
        "writer_queue",
    ];
    assert_eq!(recorded(&stage).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_no_limit() {
    let stage = Stage::default();
    let chat = stage.chat();
    chat.register(name("alice"), &password()).await.unwrap();
    let wrong = Password::parse("wrong horse").unwrap();
    chat.login(Login::password(name("alice"), wrong))
        .await
        .unwrap_err();
    assert_eq!(recorded(&stage).await, [""; 0]);
    assert_eq!(Value::from(stage.only("login_failed"))["method"], "password");
}
