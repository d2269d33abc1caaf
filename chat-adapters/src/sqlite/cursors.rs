//! Devices, and how far each has acknowledged.

use std::time::Duration;

use chat_core::ports::{CursorAdvance, DeviceSession};
use chat_core::types::{Device, UserId};
use chat_core::{BackendError, Timestamp};

use super::SqliteStore;
use super::error::{commit_failed, failed};
use super::rows::{bad_column, count, integer, json, milliseconds, size, user_id};
use super::store::WriteTransaction;

/// Begins a session of a device; the port's method says what it answers.
pub(super) async fn open(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    at: Timestamp,
    devices_limit: usize,
) -> Result<DeviceSession, BackendError> {
    // A device that is known, as nearly all are, takes one statement, which is a transaction of its own.
    let counted = count_session(&store.writer, user, device, at).await;
    let counted = counted.map_err(commit_failed("could not count a device's session"))?;
    let epoch = match counted {
        Some(epoch) => epoch,
        None => open_new(store, user, device, at, devices_limit).await?,
    };
    Ok(DeviceSession {
        epoch: count("epoch", epoch)?,
    })
}

/// Makes a device, unless another process just did, and answers its session's number.
async fn open_new(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    at: Timestamp,
    devices_limit: usize,
) -> Result<i64, BackendError> {
    let mut transaction = store.begin().await?;
    let counted = count_session(transaction.connection(), user, device, at).await;
    let counted = counted.map_err(failed("could not count a device's session"))?;
    let epoch = match counted {
        Some(epoch) => epoch,
        None => {
            let (epoch, devices) = make_device(&mut transaction, user, device, at).await?;
            copy_furthest_cursors(&mut transaction, user, device).await?;
            let surplus = devices - size(devices_limit.max(1));
            if surplus > 0 {
                forget_devices(&mut transaction, user, device, surplus).await?;
            }
            epoch
        }
    };
    transaction.commit().await?;
    Ok(epoch)
}

/// One more session of a device.
pub(super) const COUNT_SESSION: &str = "UPDATE Device
        SET epoch = epoch + 1, last_seen_at = MAX(last_seen_at, ?3),
            opened_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
      WHERE userid = ?1 AND device = ?2 RETURNING epoch";

/// Answers the session's number; `None` for a device that is not known.
async fn count_session<'c>(
    executor: impl sqlx::Executor<'c, Database = sqlx::Sqlite>,
    user: UserId,
    device: &Device,
    at: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    // All rows are fetched, since a statement that is not run to its end does not tell how its commit ended.
    let counted: Vec<i64> = sqlx::query_scalar(COUNT_SESSION)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .bind(integer(at.as_millis()))
        .fetch_all(executor)
        .await?;
    Ok(counted.first().copied())
}

/// Answers the session's number, and how many devices there are now.
///
/// A device that was forgotten counts on, because a session of it may still be there.
async fn make_device(
    transaction: &mut WriteTransaction,
    user: UserId,
    device: &Device,
    at: Timestamp,
) -> Result<(i64, i64), BackendError> {
    let made: Option<(i64, i64)> = sqlx::query_as(
        "INSERT INTO Device (userid, device, epoch, first_seen_at, last_seen_at, opened_at)
         SELECT id, ?2, forgotten_epoch + 1, ?3, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER)
           FROM User WHERE id = ?1
         RETURNING epoch, (SELECT COUNT(*) FROM Device WHERE userid = ?1)",
    )
    .bind(integer(user.get()))
    .bind(device.as_str())
    .bind(integer(at.as_millis()))
    .fetch_optional(transaction.connection())
    .await
    .map_err(failed("could not store a device"))?;
    made.ok_or_else(|| BackendError::broken("a device of a user who does not exist"))
}

/// Devices whose newest session was opened lately. The pluses keep SQLite from walking through all
/// devices by their key.
pub(super) const READ_OPENED: &str = "SELECT userid, device, epoch FROM Device
     WHERE opened_at >= CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1
       AND (+userid, device) > (?2, ?3)
     ORDER BY +userid, device LIMIT ?4";

/// Devices opened lately; the port's method says which.
pub(super) async fn opened(
    store: &SqliteStore,
    window: Duration,
    after: Option<(UserId, Device)>,
    limit: usize,
) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
    let (user, device) = after.map_or((0, String::new()), |(user, device)| {
        (integer(user.get()), device.as_str().to_owned())
    });
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(READ_OPENED)
        .bind(milliseconds(window))
        .bind(user)
        .bind(device)
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read opened devices"))?;
    let opened = rows.into_iter().map(|(user, device, epoch)| {
        let device = Device::parse(&device).map_err(|_| bad_column("device"))?;
        Ok((user_id(user)?, device, count("epoch", epoch)?))
    });
    opened.collect()
}

/// A new device's cursors.
pub(super) const COPY_FURTHEST: &str = "INSERT INTO DeviceCursor (userid, conversation, device, acked_seq)
     SELECT userid, conversation, ?2, MAX(acked_seq) FROM DeviceCursor
      WHERE userid = ?1 GROUP BY userid, conversation";

async fn copy_furthest_cursors(
    transaction: &mut WriteTransaction,
    user: UserId,
    device: &Device,
) -> Result<(), BackendError> {
    sqlx::query(COPY_FURTHEST)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .execute(transaction.connection())
        .await
        .map_err(failed("could not copy cursors"))?;
    Ok(())
}

/// A user's other devices, unseen for longest first.
pub(super) const READ_UNSEEN: &str = "SELECT device, epoch FROM Device WHERE userid = ?1 AND device <> ?2
     ORDER BY last_seen_at, device LIMIT ?3";

/// Forgets the devices that were unseen for longest, never the one that is being opened.
async fn forget_devices(
    transaction: &mut WriteTransaction,
    user: UserId,
    kept: &Device,
    surplus: i64,
) -> Result<(), BackendError> {
    let forgotten: Vec<(String, i64)> = sqlx::query_as(READ_UNSEEN)
        .bind(integer(user.get()))
        .bind(kept.as_str())
        .bind(surplus)
        .fetch_all(transaction.connection())
        .await
        .map_err(failed("could not read devices"))?;
    let highest = forgotten.iter().map(|(_, epoch)| *epoch).max().unwrap_or(0);
    let devices = json(&forgotten.iter().map(|(device, _)| device).collect::<Vec<_>>())?;
    for statement in [
        "DELETE FROM DeviceCursor WHERE userid = ?1 AND device IN (SELECT value FROM json_each(?2))",
        "DELETE FROM Device WHERE userid = ?1 AND device IN (SELECT value FROM json_each(?2))",
    ] {
        sqlx::query(statement)
            .bind(integer(user.get()))
            .bind(&devices)
            .execute(transaction.connection())
            .await
            .map_err(failed("could not forget devices"))?;
    }
    sqlx::query("UPDATE User SET forgotten_epoch = MAX(forgotten_epoch, ?2) WHERE id = ?1")
        .bind(integer(user.get()))
        .bind(highest)
        .execute(transaction.connection())
        .await
        .map_err(failed("could not note a forgotten device"))?;
    Ok(())
}

/// Cursors moved forward.
pub(super) const ADVANCE: &str = "INSERT INTO DeviceCursor (userid, conversation, device, acked_seq)
     SELECT d.userid, c.id, d.device, MIN(r.value ->> 3, c.last_seq)
       FROM json_each(?1) r
      CROSS JOIN Device d ON d.userid = r.value ->> 0 AND d.device = r.value ->> 1
      CROSS JOIN Conversation c ON c.id = r.value ->> 2
      WHERE TRUE
         ON CONFLICT (userid, conversation, device)
         DO UPDATE SET acked_seq = excluded.acked_seq WHERE excluded.acked_seq > acked_seq";

/// Moves cursors forward; the port's method says which.
///
/// A cursor never goes past its conversation's last message, so that none is passed over.
pub(super) async fn advance_cursors(
    store: &SqliteStore,
    batch: &[CursorAdvance],
) -> Result<(), BackendError> {
    if batch.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = batch
        .iter()
        .map(|ack| (ack.user, &ack.device, ack.conversation, ack.seq))
        .collect();
    let mut transaction = store.begin().await?;
    sqlx::query(ADVANCE)
        .bind(json(&rows)?)
        .execute(transaction.connection())
        .await
        .map_err(failed("could not store cursors"))?;
    transaction.commit().await
}
