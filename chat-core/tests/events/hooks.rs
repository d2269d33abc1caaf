//! Hooks of the application that fail, and their limits.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::hooks::{Decision, Draft, HookError, Hooks};
use chat_core::protocol::{MessageView, OutgoingMessage, Recipient};
use chat_core::types::Body;
use chat_core::{Limits, Session};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::{Stage, user};

/// Fails at what is marked so, and hangs at what is marked so.
#[derive(Debug)]
struct Broken;

impl Broken {
    async fn act(text: &str) -> Result<(), HookError> {
        match text {
            "fail" => Err(HookError::new("could not look it up").because("no such table")),
            "hang" => pending().await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Hooks for Broken {
    async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
        Self::act(draft.message.body.as_str()).await?;
        Ok(Decision::Allow)
    }

    async fn after_send(&self, message: &MessageView) -> Result<(), HookError> {
        let text = message.body.as_str().strip_prefix("then ");
        Self::act(text.unwrap_or_default()).await
    }
}

fn note(session: &Session, text: &str) -> OutgoingMessage {
    OutgoingMessage::text(Recipient::User(session.user().id), text).unwrap()
}

/// Lets hooks fail so many times within a moment.
pub(crate) async fn fail(stage: &Stage, count: usize) {
    let chat = stage.builder().hooks(Arc::new(Broken)).start();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, Default::default()).await.unwrap();
    for _ in 0..count {
        session.send(note(&session, "fail")).await.unwrap_err();
    }
    session.send(note(&session, "then fail")).await.unwrap();
    sleep(Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_recorded_with_its_request_and_all_that_is_underneath() {
    let stage = Stage::default();
    fail(&stage, 1).await;
    let record =
        |when: &str| json!({"when": when, "request": "send", "error": "could not look it up: no such table"});
    let expected = json!([record("before"), record("after")]);
    assert_eq!(json!(stage.fields_of("hook_failed")), expected);
}

#[tokio::test(start_paused = true)]
async fn of_many_failures_at_once_ten_are_recorded() {
    let stage = Stage::default();
    fail(&stage, 12).await;
    assert_eq!(stage.fields_of("hook_failed").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn hooks_that_take_too_long_and_a_full_queue_of_them_are_recorded_as_limits() {
    let stage = Stage::default();
    let limits = Limits {
        hook_queue: 1,
        hooks_at_once: 1,
        ..Limits::default()
    };
    let builder = stage.builder().limits(limits);
    let chat = builder.hooks(Arc::new(Broken)).start();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, Default::default()).await.unwrap();
    session.send(note(&session, "hang")).await.unwrap_err();
    for _ in 0..3 {
        session.send(note(&session, "then hang")).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(20)).await;
    let hits = stage.fields_of("limit_hit").into_iter();
    let mut hits: Vec<_> = hits
        .map(|hit| (hit["limit"].clone(), hit["count"].clone()))
        .collect();
    hits.sort_by_key(|(limit, _)| limit.to_string());
    let expected = [
        ("after_hook_timeout", 1),
        ("after_hook_timeout", 1),
        ("hook_queue", 1),
        ("hook_timeout", 1),
    ];
    let expected = expected.map(|(limit, count)| (json!(limit), json!(count)));
    assert_eq!(hits, expected);
    assert!(stage.fields_of("hook_failed").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_hooks_is_part_of_the_status() {
    let stage = Stage::default();
    let limits = Limits {
        hooks_at_once: 1,
        after_hook_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    let builder = stage.builder().limits(limits);
    let chat = builder.hooks(Arc::new(Broken)).start();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, Default::default()).await.unwrap();
    for _ in 0..4 {
        session.send(note(&session, "then hang")).await.unwrap();
    }
    sleep(Duration::from_secs(6)).await;
    assert_eq!(stage.only("status")["hooks_waiting"], 3);
}
