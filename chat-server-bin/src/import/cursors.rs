//! How far each user has received, so that they are sent what was waiting for them and nothing else.
//!
//! A user's position moves over imported messages that did not wait for them, up to the first that
//! did. It belongs to a device of its own, which the user's real devices start from. Running again
//! moves nothing that stands right: a message that did not come by an import is never passed over.

use std::collections::HashMap;

use chat_adapters::original::{Occurrences, OfflineRow};
use chat_core::ports::{CursorAdvance, Position, Stores};
use chat_core::types::{ConversationId, Device, Seq, UserId};
use chat_core::{Limits, Timestamp};
use futures_util::TryStreamExt as _;

use super::messages::{CHUNK, Reader, is_imported};
use super::report::Report;
use super::{Import, original_failure, store_failure, user_id};
use crate::failure::Failure;

/// Users whose rows are read by one query.
const USERS: u32 = 2_000;
/// Positions and messages that are read at once.
const PAGE: usize = 200;

/// The first message of each conversation that waits for a user.
type FirstWaiting = HashMap<ConversationId, Seq>;

/// Sets the positions of all users.
pub(super) async fn set(
    import: &mut Import,
    occurrences: &mut Occurrences,
    report: &mut Report,
) -> Result<(), Failure> {
    report.show("positions", import.counts.users);
    let Import {
        original,
        stores,
        limits,
        refused_users,
        refused_groups,
        now,
        ..
    } = import;
    let receiver = Receiver::new(stores, limits, *now)?;
    let mut reader = Reader::new(stores, refused_users, refused_groups, occurrences, *now);
    let mut after = i64::MIN;
    loop {
        let ids = original.user_ids(after, USERS).await.map_err(original_failure)?;
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else {
            return Ok(());
        };
        let mut rows = original.offline_of(first, last);
        let mut next = rows.try_next().await.map_err(original_failure)?;
        for id in ids {
            let mut waiting = FirstWaiting::new();
            let mut own = Vec::new();
            // Rows of users who are not there come between the others.
            while let Some(row) = next.take_if(|row| row.user.is_none_or(|user| user <= id)) {
                if row.user == Some(id) {
                    own.push(row);
                }
                if own.len() >= CHUNK {
                    note_first(&mut reader, std::mem::take(&mut own), &mut waiting).await?;
                }
                next = rows.try_next().await.map_err(original_failure)?;
            }
            note_first(&mut reader, own, &mut waiting).await?;
            report.advance();
            if let Some(user) = user_id(id).filter(|user| !refused_users.contains(user)) {
                receiver.settle(user, &waiting).await?;
            }
        }
        after = last;
    }
}

/// Notes the first message of each conversation among rows of one user.
async fn note_first(
    reader: &mut Reader<'_>,
    rows: Vec<OfflineRow>,
    waiting: &mut FirstWaiting,
) -> Result<(), Failure> {
    // What cannot be taken over was listed when the messages were.
    for stored in reader.store(rows).await?.into_iter().flatten() {
        let first = waiting.entry(stored.conversation).or_insert(stored.seq);
        *first = stored.seq.min(*first);
    }
    Ok(())
}

/// Moves users' positions.
struct Receiver<'a> {
    stores: &'a Stores,
    devices_limit: usize,
    now: Timestamp,
    device: Device,
}

impl<'a> Receiver<'a> {
    fn new(stores: &'a Stores, limits: &Limits, now: Timestamp) -> Result<Self, Failure> {
        Ok(Self {
            stores,
            devices_limit: limits.devices_per_user,
            now,
            device: Device::parse("import").map_err(anyhow::Error::new)?,
        })
    }

    /// Moves a user's positions to where they belong.
    async fn settle(&self, user: UserId, waiting: &FirstWaiting) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let page = self.stores.devices.positions(user, &self.device, after, PAGE);
            let page = page.await.map_err(store_failure)?;
            let mut advances = Vec::new();
            for position in &page {
                let target = self.target(position, waiting.get(&position.conversation).copied());
                let seq = target.await?;
                if seq > position.acked_seq {
                    advances.push(CursorAdvance {
                        user,
                        device: self.device.clone(),
                        conversation: position.conversation,
                        seq,
                    });
                }
            }
            self.advance(user, &advances).await?;
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.conversation),
                _ => return Ok(()),
            }
        }
    }

    /// The last of the imported messages after a position before which none waits.
    async fn target(&self, position: &Position, first_waiting: Option<Seq>) -> Result<Seq, Failure> {
        let end = first_waiting
            .map_or(position.last_seq, Seq::previous)
            .min(position.last_seq);
        let mut target = position.acked_seq;
        while target < end {
            let page = self
                .stores
                .messages
                .read_after(position.conversation, target, PAGE);
            let page = page.await.map_err(store_failure)?;
            let passed = page
                .iter()
                .take_while(|message| message.seq <= end && is_imported(&message.id, message.id_origin));
            match passed.last() {
                Some(message) => target = message.seq,
                None => break,
            }
        }
        Ok(target)
    }

    /// Moves positions of one user forward. The device is opened where it is not there yet, which
    /// shows by a position that does not move.
    async fn advance(&self, user: UserId, advances: &[CursorAdvance]) -> Result<(), Failure> {
        let Some(one) = advances.first() else {
            return Ok(());
        };
        let devices = &self.stores.devices;
        devices.advance_cursors(advances).await.map_err(store_failure)?;
        let reached = devices.position(user, &self.device, one.conversation);
        let reached = reached.await.map_err(store_failure)?;
        if reached.is_some_and(|position| position.acked_seq >= one.seq) {
            return Ok(());
        }
        let opened = devices.open_device(user, &self.device, self.now, self.devices_limit);
        opened.await.map_err(store_failure)?;
        devices.advance_cursors(advances).await.map_err(store_failure)
    }
}
