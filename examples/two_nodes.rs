//! Two nodes that share their backends: users on one talk to users on the other.

use chat_core::protocol::{Event, OutgoingMessage, Recipient};
use chat_core::types::UserName;
use chat_core::{Chat, SessionOptions, memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shared = memory::backends();
    let (one, other) = (
        Chat::builder(shared.clone()).start(),
        Chat::builder(shared).start(),
    );
    let alice = one.ensure_user(UserName::parse("alice")?).await?;
    let bob = one.ensure_user(UserName::parse("bob")?).await?;

    let alice = one.session(alice.id, SessionOptions::default()).await?;
    let mut bob = other.session(bob.id, SessionOptions::default()).await?;
    let hello = OutgoingMessage::text(Recipient::User(bob.user().id), "hello from the other node")?;
    alice.send(hello).await?;
    while let Some(event) = bob.next_event().await {
        let Event::Message(message) = event else { continue };
        assert_eq!(message.from.name.as_str(), "alice");
        break;
    }
    one.shutdown().await;
    other.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
