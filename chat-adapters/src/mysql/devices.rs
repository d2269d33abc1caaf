//! Devices and delivery cursors: each method's work has its own file.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::{CursorAdvance, DeviceSession, DeviceStore, Position, SessionStart};
use chat_core::types::{ConversationId, Device, UserId};
use chat_core::{BackendError, Timestamp};

use super::{MySqlStore, cursors, opening, positions, start};

#[async_trait]
impl DeviceStore for MySqlStore {
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError> {
        opening::open(self, user, device, at, devices_limit).await
    }

    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
        opening::opened(self, window, after, limit).await
    }

    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError> {
        start::read(self, user, device, positions_limit, messages_limit).await
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        positions::page(self, user, device, after, limit).await
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        positions::one(self, user, device, conversation).await
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        cursors::advance(self, batch).await
    }
}
