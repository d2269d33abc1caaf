//! The port for devices and their delivery cursors.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::Contacts;
use crate::types::{ConversationId, Device, Message, Seq, UserId};

/// How far a conversation has come, and how far one device has acknowledged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its last message.
    pub last_seq: Seq,
    /// The device's acknowledged position: delivery goes on after it. Never before a member's
    /// `joined_seq`.
    pub acked_seq: Seq,
}

/// A device's claim to be the one session of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSession {
    /// Counts this device's sessions: of two, the one with the higher number replaces the other.
    pub epoch: u64,
}

/// What a session begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStart {
    /// Whom its user knows, and where they are a member.
    pub contacts: Contacts,
    /// Where its device stands in the first of its user's direct conversations.
    pub positions: Vec<Position>,
    /// The first messages that its device has not got of these conversations, conversation by conversation in the order of
    /// the positions, and in each from the acknowledged position on without a gap.
    pub messages: Vec<Message>,
}

/// A device's acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorAdvance {
    /// Whose.
    pub user: UserId,
    /// Which of their devices.
    pub device: Device,
    /// In which conversation.
    pub conversation: ConversationId,
    /// All up to this was received.
    pub seq: Seq,
}

/// Devices, and how far each has received its user's conversations.
///
/// What a user takes part in is told at [`MessageStore`](crate::ports::MessageStore).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeviceStore: std::fmt::Debug + Send + Sync + 'static {
    /// Begins a session of a device, at `at`, and counts it.
    ///
    /// A device that was never seen gets, in every conversation its user takes part in, the
    /// position where the user's furthest device stands. Beyond `devices_limit` devices of the user
    /// the one unseen for longest, other than this one, is forgotten; where it comes back it is new,
    /// and its sessions count on above those that it had. Atomic. Repeating it counts once more and is harmless.
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError>;

    /// Devices whose newest session was opened within the last `window`, by the store's own clock,
    /// with the number of that session: at most `limit` after `after`, by ascending user and device.
    ///
    /// Covers what a bus lost. A device that was forgotten meanwhile is left out.
    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError>;

    /// What a session of a device begins with, all of it as it was at one moment: its user's friends and memberships, and where
    /// the device stands in their direct conversations, as [`positions`](Self::positions) answers, at most
    /// `positions_limit`, with the messages that are new to it there, at most `messages_limit` in all.
    ///
    /// The limit of messages cuts off a conversation wherever it is reached; a store may have a lower one of its own.
    ///
    /// Conversations of groups are not among these, because a node follows a group before it asks how far the group
    /// has come. Nothing is there of an unknown user.
    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError>;

    /// Where a device stands in the conversations its user takes part in: by ascending id (in the
    /// order of [`ConversationId`]), those after `after`, at most `limit`. A conversation without a message has `last_seq` 0.
    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError>;

    /// Where a device stands in one conversation; `None` where its user takes no part in it.
    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError>;

    /// Moves acknowledged positions forward; one that is already further stays where it is.
    ///
    /// Devices that were never opened are ignored. Safe to repeat, in any order.
    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError>;
}
