//! Devices and their cursors.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::{CursorAdvance, DeviceSession, DeviceStore, Position, SessionStart};
use chat_core::types::{ConversationId, Device, UserId};
use chat_core::{BackendError, Timestamp};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;

#[async_trait]
impl DeviceStore for RemoteStore {
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError> {
        let request = (user, device.clone(), at, devices_limit).to_wire();
        self.call(&methods::open_device, request).await
    }

    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
        let request = (window, after, limit).to_wire();
        self.call(&methods::opened_devices, request).await
    }

    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError> {
        let messages_limit = messages_limit.min(self.messages_beside_others());
        let request = (user, device.clone(), positions_limit, messages_limit).to_wire();
        self.call(&methods::session_start, request).await
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        let request = (user, device.clone(), after, limit).to_wire();
        self.call(&methods::positions, request).await
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        let request = (user, device.clone(), conversation).to_wire();
        self.call(&methods::position, request).await
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        self.call(&methods::advance_cursors, batch.to_vec().to_wire())
            .await
    }
}
