//! A chat inside a program: typed calls, everything in memory, no socket and no JSON.

use chat_core::protocol::{Event, Login, OutgoingMessage, Recipient};
use chat_core::types::{Password, UserName};
use chat_core::{Chat, memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = Chat::builder(memory::backends()).start();
    let password = Password::parse("correct horse")?;
    let (alice, bob) = (UserName::parse("alice")?, UserName::parse("bob")?);
    chat.register(alice.clone(), &password).await?;
    chat.register(bob.clone(), &password).await?;

    let alice = chat.login(Login::password(alice, password.clone())).await?;
    let mut bob = chat.login(Login::password(bob, password)).await?;
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
