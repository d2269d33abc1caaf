//! What must not be in the log, whatever happens.

use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::{Limits, SessionOptions};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::{Stage, ask, frames_until, user};

const MARKS: [&str; 6] = [
    "marked-name",
    "marked-password",
    "marked-body",
    "marked-data",
    "marked-group",
    "marked-token",
];

#[tokio::test(start_paused = true)]
async fn no_record_holds_a_text_a_password_a_token_or_a_name() {
    let stage = Stage::default();
    let limits = Limits {
        slow_request: Duration::from_nanos(1),
        ..Limits::default()
    };
    let chat = stage.chat_with(limits);
    let mut wire = chat.accept(None).unwrap();
    let register = json!({"type": "register", "name": "marked-name", "password": "marked-password"});
    ask(&mut wire, &register, "registered").await;
    ask(&mut wire, &register, "error").await;
    let wrong = json!({"type": "login", "name": "marked-name", "password": "marked-password wrong"});
    ask(&mut wire, &wrong, "error").await;
    let wrong = json!({"type": "login", "token": "marked-token"});
    ask(&mut wire, &wrong, "error").await;
    let login = json!({"type": "login", "name": "marked-name", "password": "marked-password"});
    wire.receive(login.to_string().as_bytes());
    let frames = frames_until(&mut wire, "synced").await;
    let token = frames[0]["token"].as_str().unwrap().to_owned();
    let other = user(&chat, "marked-name too").await;
    let _reader = chat.session(other.id, SessionOptions::default()).await.unwrap();
    ask(
        &mut wire,
        &json!({"type": "create_group", "name": "marked-group"}),
        "group_created",
    )
    .await;
    let send = json!({
        "type": "send", "to": {"user": other.id}, "body": "marked-body", "data": {"key": "marked-data"},
    });
    ask(&mut wire, &send, "sent").await;
    for faults in [&stage.store, &stage.bus, &stage.presence] {
        faults.away(Faults::ANY, Fault::FailBefore);
    }
    ask(&mut wire, &send, "error").await;
    ask(
        &mut wire,
        &json!({"type": "find_user", "name": "marked-name"}),
        "error",
    )
    .await;
    sleep(Duration::from_secs(20)).await;
    for faults in [&stage.store, &stage.bus, &stage.presence] {
        faults.clear();
    }
    wire.receive(br#"{"type":"send","body":"marked-body""#);
    frames_until(&mut wire, "error").await;
    drop(wire);
    chat.shutdown().await;

    let records = stage.records();
    assert!(records.len() > 20, "{records:?}");
    for record in records {
        let text = serde_json::to_string(&record).unwrap();
        let found = MARKS
            .iter()
            .copied()
            .chain([token.as_str()])
            .find(|mark| text.contains(mark));
        assert_eq!(found, None, "{text}");
    }
}
