//! A bot: a system user with a session, which answers whoever writes to it.

use std::error::Error;

use chat_core::protocol::{AckMode, Event, OutgoingMessage, Recipient};
use chat_core::types::{MessageId, UserName};
use chat_core::{Chat, Session, SessionOptions, SystemUser, memory};

/// Answers until its session ends. Each answer has an id made of the question's place, so that a bot which is started
/// again, and gets a question again, answers it once.
async fn answer(bot: SystemUser, mut session: Session) -> Result<(), Box<dyn Error + Send + Sync>> {
    while let Some(event) = session.next_event().await {
        let Event::Message(question) = event else { continue };
        let answer = match question.body.as_str() {
            "/hours" => "we open at nine".to_owned(),
            other => format!("I do not know {other}; try /hours"),
        };
        let id = MessageId::parse(&format!("answer-to-{}", question.seq))?;
        let to = Recipient::User(question.from.id);
        bot.send(OutgoingMessage::text(to, &answer)?.with_id(id)).await?;
    }
    Ok(())
}

/// The next text that comes.
async fn next_text(session: &mut Session) -> Option<String> {
    while let Some(event) = session.next_event().await {
        if let Event::Message(message) = event {
            return Some(message.body.as_str().to_owned());
        }
    }
    None
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let chat = Chat::builder(memory::backends()).start();
    let bot = chat.host().system_user(UserName::parse("helper")?).await?;
    // What it was sent counts as received as soon as it has read it.
    let options = SessionOptions {
        ack: AckMode::Auto,
        ..SessionOptions::default()
    };
    let to_bot = Recipient::User(bot.user().id);
    let session = chat.session(bot.user().id, options).await?;

    let user = async {
        let alice = chat.ensure_user(UserName::parse("alice")?).await?;
        let mut alice = chat.session(alice.id, SessionOptions::default()).await?;
        for (question, answer) in [("/hours", "nine"), ("hi", "try /hours")] {
            alice.send(OutgoingMessage::text(to_bot, question)?).await?;
            let text = next_text(&mut alice).await.ok_or("the session ended")?;
            assert!(text.contains(answer), "{text}");
        }
        // The application ends the bot's session, and with it the bot.
        chat.host().expel(bot.user().id, None);
        Ok(())
    };
    tokio::try_join!(answer(bot.clone(), session), user)?;
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
