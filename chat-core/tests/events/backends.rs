//! Backends that go away and come back, requests that take long, and what is left of them in the log.

use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::{Chat, Limits, SessionOptions};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::stage::{Stage, ask, user};

const AWAY: Duration = Duration::from_secs(30);

/// Takes every backend away for a while, and gives it back.
pub(crate) async fn lose_and_regain(stage: &Stage, chat: &Chat) {
    let alice = user(chat, "alice").await;
    let session = chat.session(alice.id, SessionOptions::default()).await.unwrap();
    let note = || OutgoingMessage::text(Recipient::User(alice.id), "note").unwrap();
    for backend in ["store", "bus", "presence"] {
        let faults = match backend {
            "store" => &stage.store,
            "bus" => &stage.bus,
            _ => &stage.presence,
        };
        faults.away(Faults::ANY, Fault::FailBefore);
        // A bus is called only when there is something to tell.
        let sent = session.send(note()).await;
        assert_eq!(sent.is_err(), backend == "store", "{sent:?}");
        stage.wait_for(&format!("{backend}_lost"), 1).await;
        sleep(AWAY).await;
        faults.clear();
        stage.wait_for(&format!("{backend}_regained"), 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_goes_away_and_comes_back_is_recorded_once_each() {
    let stage = Stage::default();
    let chat = stage.chat();
    lose_and_regain(&stage, &chat).await;
    for backend in ["store", "bus", "presence"] {
        let lost = stage.only(&format!("{backend}_lost"));
        let error = lost["error"].as_str().unwrap();
        assert!(error.ends_with("fails on command"), "{error}");
        let away = stage.only(&format!("{backend}_regained"))["away_ms"]
            .as_f64()
            .unwrap();
        assert!((30_000.0..45_000.0).contains(&away), "{backend}: {away}");
    }
}

/// Makes requests that take longer than they should.
pub(crate) async fn be_slow(stage: &Stage, chat: &Chat, requests: usize) {
    let alice = user(chat, "alice").await;
    let mut wire = chat
        .accept_as(alice.id, SessionOptions::default(), None)
        .await
        .unwrap();
    let slow = chat.limits().slow_request;
    stage.store.away("credentials", Fault::Delay(slow));
    for number in 0..requests {
        let request = json!({"type": "find_user", "name": "nobody", "ref": number});
        ask(&mut wire, &request, "error").await;
    }
    stage.store.clear();
    ask(&mut wire, &json!({"type": "ping"}), "pong").await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_took_long_is_recorded_with_who_asked_what() {
    let stage = Stage::default();
    let chat = stage.chat();
    be_slow(&stage, &chat, 1).await;
    let slow = stage.only("request_slow");
    let expected = json!({
        "request": "find_user", "duration_ms": slow["duration_ms"], "code": "not_found",
        "session": 1, "user": stage.only("session_opened")["user"],
    });
    assert_eq!(Value::from(slow.clone()), expected);
    let duration = slow["duration_ms"].as_f64().unwrap();
    assert!((1_000.0..1_100.0).contains(&duration), "{duration}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_send_is_recorded_and_what_is_recorded_of_it_is_not_its_text() {
    let stage = Stage::default();
    let chat = stage.chat();
    let alice = user(&chat, "alice").await;
    let options = SessionOptions::default();
    let mut wire = chat.accept_as(alice.id, options, None).await.unwrap();
    stage.store.away("append", Fault::Delay(Duration::from_secs(2)));
    let send = json!({"type": "send", "to": {"user": alice.id}, "body": "MARKED"});
    ask(&mut wire, &send, "sent").await;
    let slow = stage.only("request_slow");
    assert_eq!((&slow["request"], slow.get("code")), (&json!("send"), None));
    assert!(!format!("{slow:?}").contains("MARKED"));
}

#[tokio::test(start_paused = true)]
async fn of_many_slow_requests_ten_a_second_are_recorded() {
    let stage = Stage::default();
    let limits = Limits {
        slow_request: Duration::from_millis(1),
        ..Limits::default()
    };
    let chat = stage.chat_with(limits);
    be_slow(&stage, &chat, 700).await;
    let recorded = stage.fields_of("request_slow").len();
    // 700 requests of a little more than 1 ms each.
    assert!((10..=25).contains(&recorded), "{recorded}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_slow_where_that_is_switched_off() {
    let stage = Stage::default();
    let limits = Limits {
        slow_request: Duration::ZERO,
        ..Limits::default()
    };
    let chat = stage.chat_with(limits);
    be_slow(&stage, &chat, 3).await;
    assert!(stage.fields_of("request_slow").is_empty());
}
