//! Messages and conversations: each method's work has its own file.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{Appended, ConversationHead, MessageRange, MessageStore, NewMessage};
use chat_core::types::{ConversationId, Device, Message, Seq, UserId};

use super::{MySqlStore, append, history, positions};

#[async_trait]
impl MessageStore for MySqlStore {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        append::append(self, batch).await
    }

    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        history::after(self, conversation, after, limit).await
    }

    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError> {
        history::ranges(self, ranges).await
    }

    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        history::before(self, conversation, before, limit).await
    }

    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError> {
        positions::heads(self, user, device, limit).await
    }

    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
        history::changed(self, window, after, limit).await
    }
}
