//! Devices and delivery cursors in memory.

use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::store::State;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{
    Contacts, CursorAdvance, DeviceSession, DeviceStore, MessageRange, Position, SessionStart,
};
use crate::types::{ConversationId, Device, Seq, UserId};

#[async_trait]
impl DeviceStore for MemoryStore {
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError> {
        let now = self.clock().now();
        let mut state = self.state();
        let row = state.user_mut(user);
        let row = row.ok_or_else(|| BackendError::broken("a device of a user who does not exist"))?;
        let (epoch, forgotten) = row.devices.open(device, at, devices_limit);
        state.opened_devices.touch((user, device.clone()), now);
        for device in forgotten {
            state.opened_devices.forget(&(user, device));
        }
        Ok(DeviceSession { epoch })
    }

    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
        let start = self.clock().now().before(window);
        let state = self.state();
        let opened = state.opened_devices.since(start, after.as_ref(), limit);
        let opened = opened.into_iter().filter_map(|(user, device)| {
            let epoch = state.user(user)?.devices.epoch(&device)?;
            Some((user, device, epoch))
        });
        Ok(opened.collect())
    }

    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError> {
        let state = self.state();
        // Direct conversations come before those of groups.
        let direct = state
            .conversations_of(user, None)
            .take_while(|id| id.as_group().is_none());
        let positions = direct.filter_map(|id| state.position(user, device, id));
        let positions: Vec<_> = positions.take(positions_limit).collect();
        let unread = positions.iter().map(|position| MessageRange {
            conversation: position.conversation,
            after: position.acked_seq,
            limit: messages_limit,
        });
        let messages = unread.flat_map(|range| state.range(range));
        Ok(SessionStart {
            contacts: Contacts {
                friends: state.friends(user),
                memberships: state.memberships(user),
            },
            messages: messages.take(messages_limit).cloned().collect(),
            positions,
        })
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        let state = self.state();
        let conversations = state.conversations_of(user, after);
        let positions = conversations.filter_map(|id| state.position(user, device, id));
        Ok(positions.take(limit).collect())
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        Ok(self.state().position(user, device, conversation))
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        let mut state = self.state();
        for ack in batch {
            if let Some(row) = state.user_mut(ack.user) {
                row.devices.advance(&ack.device, ack.conversation, ack.seq);
            }
        }
        Ok(())
    }
}

impl State {
    pub(super) fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Option<Position> {
        let row = self.user(user)?;
        let earliest = match conversation.as_group() {
            Some(group) => self.member(group, user)?.joined_seq,
            None => row.direct.get(&conversation).map(|_| Seq::ZERO)?,
        };
        Some(Position {
            conversation,
            last_seq: self.last_seq(conversation),
            acked_seq: row.devices.cursor(device, conversation).max(earliest),
        })
    }
}
