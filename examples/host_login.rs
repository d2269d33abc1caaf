//! Users whom the application has authenticated itself: no password is stored anywhere.

use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::types::{Device, UserName};
use chat_core::{Chat, SessionOptions, memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = Chat::builder(memory::backends()).start();
    // The application knows from its own login who this is.
    let user = chat.ensure_user(UserName::parse("alice@example.org")?).await?;
    let again = chat.ensure_user(UserName::parse("Alice@Example.org")?).await?;
    assert_eq!(user, again);

    let options = SessionOptions {
        device: Device::parse("web")?,
        ..SessionOptions::default()
    };
    let session = chat.session(user.id, options).await?;
    assert!(session.welcome().token.is_none());
    let note = OutgoingMessage::text(Recipient::User(user.id), "a note to myself")?;
    assert_eq!(session.send(note).await?.seq.get(), 1);

    // The same for a transport of the application's own: `welcome` is the first frame.
    let mut connection = chat.accept_as(user.id, SessionOptions::default(), None).await?;
    let mut frames = Vec::new();
    connection.next_frames(&mut frames).await;
    assert!(
        frames
            .first()
            .is_some_and(|frame| frame.starts_with(br#"{"type":"welcome""#))
    );
    drop((session, connection));
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
