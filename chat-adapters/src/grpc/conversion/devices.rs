//! Devices and their cursors.

use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::{Contacts, CursorAdvance, DeviceSession, Position, SessionStart};
use chat_core::types::{ConversationId, Device, UserId};

use super::super::proto;
use super::wire::{Invalid, Wire, message, needed, read, record};

record!(Position as DevicePosition { conversation, last_seq, acked_seq });
record!(CursorAdvance as CursorAdvance { user, device, conversation, seq });
record!(DeviceSession as OpenDeviceResponse { epoch });
message!(UserDevice(user: UserId, device: Device));
record!(Contacts as Contacts { friends, memberships });
record!(SessionStart as SessionStartResponse { contacts, positions, messages });
needed!(
    Contacts as Contacts,
    Position as DevicePosition,
    (UserId, Device) as UserDevice
);

message!(OpenDeviceRequest(user: UserId, device: Device, at: Timestamp, devices_limit: usize));
message!(OpenedDevicesRequest(window_ms: Duration, after: Option<(UserId, Device)>, limit: usize));
message!(OpenedDevicesResponse(opened: Vec<(UserId, Device, u64)>));
message!(SessionStartRequest(user: UserId, device: Device, positions_limit: usize, messages_limit: usize));
message!(PositionsRequest(user: UserId, device: Device, after: Option<ConversationId>, limit: usize));
message!(PositionsResponse(positions: Vec<Position>));
message!(PositionRequest(user: UserId, device: Device, conversation: ConversationId));
message!(PositionResponse(position: Option<Position>));
message!(AdvanceCursorsRequest(advances: Vec<CursorAdvance>));
message!(AdvanceCursorsResponse());

impl Wire<proto::OpenedDevice> for (UserId, Device, u64) {
    fn to_wire(&self) -> proto::OpenedDevice {
        let (user, device, epoch) = self;
        proto::OpenedDevice {
            device: (*user, device.clone()).to_wire(),
            epoch: *epoch,
        }
    }

    fn from_wire(message: proto::OpenedDevice) -> Result<Self, Invalid> {
        let (user, device) = read(message.device, "device")?;
        Ok((user, device, message.epoch))
    }
}
