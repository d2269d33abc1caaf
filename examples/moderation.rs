//! Hooks: the application decides which messages are sent, and hears of those that were.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::hooks::{Decision, Draft, HookError, HookedRequest, Hooks};
use chat_core::protocol::{MessageView, OutgoingMessage, Recipient};
use chat_core::types::{Body, UserName};
use chat_core::{Chat, ErrorCode, SessionOptions, memory};
use tokio::sync::mpsc;

/// Refuses advertisements, stars out what is rude, and notifies of everything else.
#[derive(Debug)]
struct Moderation {
    push: mpsc::Sender<String>,
}

#[async_trait]
impl Hooks for Moderation {
    /// Logins, friends and groups are not moderated.
    fn asks_before(&self, request: HookedRequest) -> bool {
        request == HookedRequest::Send
    }

    async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
        let text = draft.message.body.as_str();
        if text.contains("buy now") {
            return Ok(Decision::refuse(
                ErrorCode::Forbidden,
                "no advertisements, please",
            ));
        }
        if !text.contains("darn") {
            return Ok(Decision::Allow);
        }
        let rewritten = Body::parse(&text.replace("darn", "****"));
        rewritten
            .map(Decision::Rewrite)
            .map_err(|error| HookError::new("the text has become too long").because(error))
    }

    async fn after_send(&self, message: &MessageView) -> Result<(), HookError> {
        let note = format!("{}: {}", message.from.name, message.body.as_str());
        let pushed = self.push.send(note).await;
        pushed.map_err(|_| HookError::new("nobody pushes notifications any more"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (push, mut notifications) = mpsc::channel(16);
    let hooks = Arc::new(Moderation { push });
    let chat = Chat::builder(memory::backends()).hooks(hooks).start();
    let alice = chat.ensure_user(UserName::parse("alice")?).await?;
    let session = chat.session(alice.id, SessionOptions::default()).await?;
    let note = |text| OutgoingMessage::text(Recipient::User(alice.id), text);

    let refused = session.send(note("buy now!")?).await;
    assert!(refused.is_err_and(|error| error.code() == ErrorCode::Forbidden));
    session.send(note("darn it")?).await?;
    assert_eq!(notifications.recv().await.as_deref(), Some("alice: **** it"));
    drop(session);
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
