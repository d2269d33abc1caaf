//! Testing an application: on fakes that are whole, with faults at the moment they hurt, and on mocks for what neither
//! can bring about.

use std::sync::Arc;

use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::{self, MemoryBackends};
use chat_core::ports::{Backends, MockPresence, Stores};
use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::types::{MessageId, UserName};
use chat_core::{BackendError, Chat, Error, ErrorCode};

type Tested<T> = Result<T, Box<dyn std::error::Error>>;

/// The application: it tells a customer of an order, once, however often it has to try. Answers the message's number.
async fn confirm(chat: &Chat, customer: &str, order: &str) -> Tested<u64> {
    let customer = chat.ensure_user(UserName::parse(customer)?).await?;
    let shop = chat.host().system_user(UserName::parse("shop")?).await?;
    let message = OutgoingMessage::text(Recipient::User(customer.id), "your order is on its way")?;
    let message = message.with_id(MessageId::parse(order)?);
    loop {
        match shop.send(message.clone()).await {
            Ok(sent) => return Ok(sent.seq.get()),
            Err(error) => tokio::time::sleep(error.retry_delay().ok_or(error)?).await,
        }
    }
}

/// The application: what it shows to its operators.
async fn headline(chat: &Chat) -> Result<String, Error> {
    let count = chat.host().online_count().await?;
    Ok(format!("{count} customers are here"))
}

#[tokio::main]
async fn main() -> Tested<()> {
    // Fakes: everything in memory behaves like the real thing, which the contract suite sees to.
    let chat = Chat::builder(memory::backends()).start();
    assert_eq!(confirm(&chat, "alice", "order-7").await?, 1);
    assert_eq!(confirm(&chat, "alice", "order-8").await?, 2);
    chat.shutdown().await;

    // Faults: the store has stored the message, and the connection breaks before it says so.
    let (shared, faults) = (MemoryBackends::default(), Faults::default());
    let store = Faulty::new(Arc::clone(&shared.store), faults.clone());
    let stores = Stores::of(Arc::new(store));
    let backends = shared.backends();
    let chat = Chat::builder(Backends { stores, ..backends }).start();
    faults.next_calls("append", 1, Fault::FailAfter);
    assert_eq!(confirm(&chat, "alice", "order-7").await?, 1);
    assert_eq!(confirm(&chat, "alice", "order-8").await?, 2);
    chat.shutdown().await;

    // Mocks: a crowd that nobody wants to log in, and then a presence that is away.
    let mut mock = MockPresence::new();
    mock.expect_sweep().returning(|_, _| Ok(vec![]));
    mock.expect_count().times(1).returning(|_| Ok(1_000_000));
    mock.expect_count()
        .returning(|_| Err(BackendError::not_done("presence is away")));
    let mut backends = memory::backends();
    backends.presence = Arc::new(mock);
    let chat = Chat::builder(backends).start();
    assert_eq!(headline(&chat).await?, "1000000 customers are here");
    let away = headline(&chat).await.err().map(|error| error.code());
    assert_eq!(away, Some(ErrorCode::Unavailable));
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
