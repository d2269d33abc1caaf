//! A user's devices and how far each has received.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::types::{ConversationId, Device, Seq};

/// The devices of one user.
#[derive(Debug, Default)]
pub(super) struct Devices {
    rows: HashMap<Device, DeviceRow>,
    /// The highest number of a session of a device that was forgotten. A new device counts on from
    /// there, because a session of it may still be open.
    forgotten_epoch: u64,
}

#[derive(Debug)]
struct DeviceRow {
    epoch: u64,
    seen_at: Timestamp,
    /// Acknowledged positions; none stands for the earliest one.
    cursors: HashMap<ConversationId, Seq>,
}

impl Devices {
    /// Counts a session of a device and answers its number, and which devices were forgotten.
    ///
    /// A new device takes the positions of the furthest one, and beyond `limit` the others' least
    /// recently seen is forgotten.
    pub(super) fn open(&mut self, device: &Device, at: Timestamp, limit: usize) -> (u64, Vec<Device>) {
        if let Some(row) = self.rows.get_mut(device) {
            row.epoch += 1;
            row.seen_at = row.seen_at.max(at);
            return (row.epoch, Vec::new());
        }
        let epoch = self.forgotten_epoch + 1;
        let row = DeviceRow {
            epoch,
            seen_at: at,
            cursors: self.furthest(),
        };
        self.rows.insert(device.clone(), row);
        let surplus = self.rows.len().saturating_sub(limit.max(1));
        let forgotten = (0..surplus).filter_map(|_| self.forget_least_recent_except(device));
        (epoch, forgotten.collect())
    }

    /// The number of a device's newest session; `None` where the device is unknown.
    pub(super) fn epoch(&self, device: &Device) -> Option<u64> {
        self.rows.get(device).map(|row| row.epoch)
    }

    /// Moves a device's position forward, where the device is known.
    pub(super) fn advance(&mut self, device: &Device, conversation: ConversationId, seq: Seq) {
        if let Some(row) = self.rows.get_mut(device) {
            let cursor = row.cursors.entry(conversation).or_default();
            *cursor = seq.max(*cursor);
        }
    }

    /// A device's acknowledged position; 0 where there is none.
    pub(super) fn cursor(&self, device: &Device, conversation: ConversationId) -> Seq {
        let row = self.rows.get(device);
        row.and_then(|row| row.cursors.get(&conversation))
            .copied()
            .unwrap_or_default()
    }

    fn furthest(&self) -> HashMap<ConversationId, Seq> {
        let mut furthest = HashMap::new();
        for (conversation, seq) in self.rows.values().flat_map(|row| &row.cursors) {
            let position: &mut Seq = furthest.entry(*conversation).or_default();
            *position = (*position).max(*seq);
        }
        furthest
    }

    fn forget_least_recent_except(&mut self, kept: &Device) -> Option<Device> {
        let others = self.rows.iter().filter(|(device, _)| *device != kept);
        let oldest = others
            .min_by_key(|(_, row)| row.seen_at)
            .map(|(device, _)| device.clone())?;
        let row = self.rows.remove(&oldest)?;
        self.forgotten_epoch = self.forgotten_epoch.max(row.epoch);
        Some(oldest)
    }
}
