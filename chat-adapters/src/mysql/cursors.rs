//! How far each device has acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chat_core::BackendError;
use chat_core::ports::CursorAdvance;

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::rows::integer;

/// Moves cursors forward; the port's method says which.
///
/// A cursor never goes past its conversation's last message, so that none is passed over.
pub(super) async fn advance(store: &MySqlStore, batch: &[CursorAdvance]) -> Result<(), BackendError> {
    if batch.is_empty() {
        return Ok(());
    }
    store
        .call(|mut session| async move { (run(&mut session, batch).await, session) })
        .await
}

/// A cursor's key, in the order of the table.
type CursorKey = (i64, String, String);

async fn run(session: &mut Session, batch: &[CursorAdvance]) -> Result<(), CallError> {
    session.begin().await?;
    let devices = lock_devices(session, batch).await?;
    let last = last_numbers(session, batch).await?;
    let mut rows: BTreeMap<CursorKey, i64> = BTreeMap::new();
    for ack in batch {
        let device = (integer(ack.user.get()), ack.device.as_str().to_owned());
        let conversation = ack.conversation.to_string();
        let Some(last) = last.get(&conversation).filter(|_| devices.contains(&device)) else {
            continue;
        };
        let seq = integer(ack.seq.get()).min(*last);
        let cursor = rows.entry((device.0, conversation, device.1)).or_insert(seq);
        *cursor = seq.max(*cursor);
    }
    if rows.is_empty() {
        return Ok(());
    }
    store_cursors(session, &rows).await?;
    session.commit().await
}

/// Devices, locked in the order of their key: one that is being forgotten takes no more cursors.
pub(super) const LOCK_DEVICES: Shape = Shape {
    head: "SELECT userid, device FROM Device FORCE INDEX (PRIMARY) WHERE (userid, device) IN (",
    row: "(?, ?)",
    between: ", ",
    tail: ") ORDER BY userid, device FOR UPDATE",
};

async fn lock_devices(
    session: &mut Session,
    batch: &[CursorAdvance],
) -> Result<HashSet<(i64, String)>, CallError> {
    let asked: BTreeSet<_> = batch
        .iter()
        .map(|ack| (integer(ack.user.get()), ack.device.as_str()))
        .collect();
    let asked: Vec<_> = asked.into_iter().collect();
    let mut devices = HashSet::with_capacity(asked.len());
    for chunk in chunks(&asked) {
        let mut query = sqlx::query_as(LOCK_DEVICES.sql(chunk.rows()));
        for (user, device) in chunk.padded() {
            query = query.bind(*user).bind(*device);
        }
        let rows: Vec<(i64, String)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not lock devices"))?;
        devices.extend(rows);
    }
    Ok(devices)
}

/// How far conversations have come.
pub(super) const READ_LAST: Shape = Shape {
    head: "SELECT id, last_seq FROM Conversation FORCE INDEX (PRIMARY) WHERE id IN (",
    row: "?",
    between: ", ",
    tail: ") AND last_seq > 0",
};

async fn last_numbers(
    session: &mut Session,
    batch: &[CursorAdvance],
) -> Result<HashMap<String, i64>, CallError> {
    let asked: BTreeSet<_> = batch.iter().map(|ack| ack.conversation).collect();
    let asked: Vec<_> = asked.into_iter().collect();
    let mut last = HashMap::with_capacity(asked.len());
    for chunk in chunks(&asked) {
        let mut query = sqlx::query_as(READ_LAST.sql(chunk.rows()));
        for conversation in chunk.padded() {
            query = query.bind(conversation.to_string());
        }
        let rows: Vec<(String, i64)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not read conversations"))?;
        last.extend(rows);
    }
    Ok(last)
}

/// Cursors moved forward.
pub(super) const STORE_CURSORS: Shape = Shape {
    head: "INSERT INTO DeviceCursor (userid, conversation, device, acked_seq) VALUES ",
    row: "(?, ?, ?, ?)",
    between: ", ",
    tail: " ON DUPLICATE KEY UPDATE acked_seq = GREATEST(acked_seq, VALUES(acked_seq))",
};

async fn store_cursors(session: &mut Session, rows: &BTreeMap<CursorKey, i64>) -> Result<(), CallError> {
    let rows: Vec<_> = rows.iter().collect();
    for chunk in chunks(&rows) {
        let mut query = sqlx::query(STORE_CURSORS.sql(chunk.rows()));
        for ((user, conversation, device), seq) in chunk.padded() {
            query = query
                .bind(*user)
                .bind(conversation.as_str())
                .bind(device.as_str())
                .bind(**seq);
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not store cursors"))?;
    }
    Ok(())
}
