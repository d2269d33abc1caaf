//! A message store of one's own: any other one, which also finds messages by a word of theirs.
//!
//! `tests/programs/custom_store.rs` shows that it keeps the contract that every store has to keep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::{Appended, ConversationHead, MessageRange, MessageStore, NewMessage};
use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::types::{ConversationId, Device, Message, Seq, UserId, UserName};
use chat_core::{BackendError, Chat, memory};

type Answer<T> = Result<T, BackendError>;
type Place = (ConversationId, Seq);

/// Passes every call on, and remembers where each word was written.
#[derive(Debug)]
pub(crate) struct Searchable {
    pub(crate) inner: Arc<dyn MessageStore>,
    pub(crate) words: Mutex<HashMap<String, Vec<Place>>>,
}

#[async_trait]
impl MessageStore for Searchable {
    async fn append(&self, batch: &[NewMessage]) -> Answer<Vec<Appended>> {
        let outcomes = self.inner.append(batch).await?;
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        for (new, outcome) in batch.iter().zip(&outcomes) {
            let Appended::Stored { seq } = outcome else {
                continue;
            };
            for word in new.body.as_str().split_whitespace() {
                let places = words.entry(word.to_owned()).or_default();
                places.push((new.conversation, *seq));
            }
        }
        Ok(outcomes)
    }
    async fn read_after(&self, of: ConversationId, after: Seq, limit: usize) -> Answer<Vec<Message>> {
        self.inner.read_after(of, after, limit).await
    }
    async fn read_ranges(&self, ranges: &[MessageRange]) -> Answer<Vec<Message>> {
        self.inner.read_ranges(ranges).await
    }
    async fn read_before(&self, of: ConversationId, to: Option<Seq>, limit: usize) -> Answer<Vec<Message>> {
        self.inner.read_before(of, to, limit).await
    }
    async fn heads(&self, of: UserId, on: &Device, limit: usize) -> Answer<Vec<ConversationHead>> {
        self.inner.heads(of, on, limit).await
    }
    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Answer<Vec<Place>> {
        self.inner.changed_conversations(window, after, limit).await
    }
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut backends = memory::backends();
    let messages = Arc::new(Searchable {
        inner: Arc::clone(&backends.stores.messages),
        words: Mutex::default(),
    });
    backends.stores.messages = Arc::clone(&messages) as _;
    let chat = Chat::builder(backends).start();
    let shop = chat.host().system_user(UserName::parse("shop")?).await?;
    let to = Recipient::User(shop.user().id);
    shop.send(OutgoingMessage::text(to, "tea is out of stock")?)
        .await?;
    chat.shutdown().await;
    let words = messages.words.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(words.get("tea").map(Vec::len), Some(1));
    Ok(())
}
