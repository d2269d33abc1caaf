//! Messages and the conversations they are in.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{Appended, ConversationHead, MessageRange, MessageStore, NewMessage};
use chat_core::types::{ConversationId, Device, Message, Seq, UserId};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;
use crate::grpc::proto::AppendRequest;

#[async_trait]
impl MessageStore for RemoteStore {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        let messages = batch.iter().map(NewMessage::to_wire).collect();
        let appended: Vec<_> = self.call(&methods::append, AppendRequest { messages }).await?;
        if appended.len() != batch.len() {
            return Err(BackendError::broken(
                "a backend answered for another number of messages",
            ));
        }
        Ok(appended)
    }

    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        let request = (conversation, after, limit).to_wire();
        self.call(&methods::read_after, request).await
    }

    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError> {
        self.call(&methods::read_ranges, ranges.to_vec().to_wire()).await
    }

    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        let request = (conversation, before, limit).to_wire();
        self.call(&methods::read_before, request).await
    }

    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError> {
        let request = (user, device.clone(), limit).to_wire();
        self.call(&methods::heads, request).await
    }

    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
        let request = (window, after, limit).to_wire();
        self.call(&methods::changed_conversations, request).await
    }
}
