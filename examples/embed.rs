//! A chat inside a program: typed calls, everything in memory, no socket and no JSON.

use chat_core::protocol::{Event, OutgoingMessage, Recipient};
use chat_core::types::UserName;
use chat_core::{Chat, SessionOptions, memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = Chat::builder(memory::backends()).start();
    let alice = chat.ensure_user(UserName::parse("alice")?).await?;
    let bob = chat.ensure_user(UserName::parse("bob")?).await?;

    let alice = chat.session(alice.id, SessionOptions::default()).await?;
    let mut bob = chat.session(bob.id, SessionOptions::default()).await?;
    let to = Recipient::User(bob.user().id);
    alice.send(OutgoingMessage::text(to, "hello")?).await?;
    while let Some(event) = bob.next_event().await {
        let Event::Message(message) = event else { continue };
        assert_eq!(message.body.as_str(), "hello");
        break;
    }
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
