//! Sessions of devices: which is the newest, and which devices are forgotten.

use std::time::Duration;

use chat_core::ports::DeviceSession;
use chat_core::types::{Device, UserId};
use chat_core::{BackendError, Timestamp};

use super::MySqlStore;
use super::clock::now;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::rows::{bad_column, count, integer, milliseconds, size, user_id};

/// Begins a session of a device; the port's method says what it answers.
pub(super) async fn open(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    at: Timestamp,
    devices_limit: usize,
) -> Result<DeviceSession, BackendError> {
    store
        .call(
            |mut session| async move { (run(&mut session, user, device, at, devices_limit).await, session) },
        )
        .await
}

async fn run(
    session: &mut Session,
    user: UserId,
    device: &Device,
    at: Timestamp,
    devices_limit: usize,
) -> Result<DeviceSession, CallError> {
    // A device that is known, as nearly all are, takes one statement, which is a transaction of its own.
    session.begin_repeatable();
    let counted = count_session(session, user, device, at).await?;
    session.end_repeatable();
    let epoch = match counted {
        Some(epoch) => epoch,
        None => open_new(session, user, device, at, devices_limit).await?,
    };
    Ok(DeviceSession { epoch })
}

/// Makes a device, unless another node just did, and answers its session's number.
async fn open_new(
    session: &mut Session,
    user: UserId,
    device: &Device,
    at: Timestamp,
    devices_limit: usize,
) -> Result<u64, CallError> {
    session.begin().await?;
    let forgotten_epoch = lock_user(session, user).await?;
    let epoch = match count_session(session, user, device, at).await? {
        Some(epoch) => epoch,
        None => {
            let epoch = forgotten_epoch + 1;
            insert_device(session, user, device, at, epoch).await?;
            copy_furthest_cursors(session, user, device).await?;
            forget_devices(session, user, device, devices_limit).await?;
            count("epoch", epoch)?
        }
    };
    session.commit().await?;
    Ok(epoch)
}

/// Locks a user, under whose lock the devices are counted, and answers the highest number of a session
/// of a device that was forgotten. A new device counts on from there, because a session of it may still
/// be there.
async fn lock_user(session: &mut Session, user: UserId) -> Result<i64, CallError> {
    let forgotten_epoch: Option<i64> =
        sqlx::query_scalar("SELECT forgotten_epoch FROM User WHERE id = ? FOR UPDATE")
            .bind(integer(user.get()))
            .fetch_optional(session.connection())
            .await
            .map_err(failed("could not lock a user"))?;
    let unknown = || BackendError::broken("a device of a user who does not exist");
    Ok(forgotten_epoch.ok_or_else(unknown)?)
}

/// One more session of a device, whose number is what the statement inserts for its last.
pub(super) const COUNT_SESSION: &str = concat!(
    "UPDATE Device SET epoch = LAST_INSERT_ID(epoch + 1), last_seen_at = GREATEST(last_seen_at, ?), opened_at = ",
    now!(),
    " WHERE userid = ? AND device = ?"
);

/// Answers the session's number; `None` for a device that is not known.
async fn count_session(
    session: &mut Session,
    user: UserId,
    device: &Device,
    at: Timestamp,
) -> Result<Option<u64>, CallError> {
    let counted = sqlx::query(COUNT_SESSION)
        .bind(integer(at.as_millis()))
        .bind(integer(user.get()))
        .bind(device.as_str())
        .execute(session.connection())
        .await
        .map_err(failed("could not count a device's session"))?;
    Ok((counted.rows_affected() > 0).then(|| counted.last_insert_id()))
}

async fn insert_device(
    session: &mut Session,
    user: UserId,
    device: &Device,
    at: Timestamp,
    epoch: i64,
) -> Result<(), CallError> {
    sqlx::query(concat!(
        "INSERT INTO Device (userid, device, epoch, first_seen_at, last_seen_at, opened_at)
         VALUES (?, ?, ?, ?, ?, ",
        now!(),
        ")"
    ))
    .bind(integer(user.get()))
    .bind(device.as_str())
    .bind(epoch)
    .bind(integer(at.as_millis()))
    .bind(integer(at.as_millis()))
    .execute(session.connection())
    .await
    .map_err(failed("could not store a device"))?;
    Ok(())
}

/// A new device's cursors.
pub(super) const COPY_FURTHEST: &str = "INSERT INTO DeviceCursor (userid, conversation, device, acked_seq)
     SELECT userid, conversation, ?, MAX(acked_seq) FROM DeviceCursor
      WHERE userid = ? GROUP BY userid, conversation";

async fn copy_furthest_cursors(
    session: &mut Session,
    user: UserId,
    device: &Device,
) -> Result<(), CallError> {
    sqlx::query(COPY_FURTHEST)
        .bind(device.as_str())
        .bind(integer(user.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not copy cursors"))?;
    Ok(())
}

/// A user's other devices, those that were seen last first.
pub(super) const READ_UNSEEN: &str = "SELECT device, epoch FROM Device WHERE userid = ? AND device <> ?
     ORDER BY last_seen_at DESC, device DESC LIMIT ? OFFSET ?";

/// Devices of a user.
const FORGET: Shape = Shape {
    head: "DELETE FROM Device WHERE userid = ? AND device IN (",
    row: "?",
    between: ", ",
    tail: ")",
};

/// How far devices of a user have acknowledged.
const FORGET_CURSORS: Shape = Shape {
    head: "DELETE FROM DeviceCursor WHERE userid = ? AND device IN (",
    row: "?",
    between: ", ",
    tail: ")",
};

/// Forgets the devices beyond the limit that were unseen for longest, never the one that is opened.
///
/// A device goes before its cursors: an acknowledgement locks the device first, so none is left behind.
async fn forget_devices(
    session: &mut Session,
    user: UserId,
    kept: &Device,
    devices_limit: usize,
) -> Result<(), CallError> {
    let forgotten: Vec<(String, i64)> = sqlx::query_as(READ_UNSEEN)
        .bind(integer(user.get()))
        .bind(kept.as_str())
        .bind(i64::MAX)
        .bind(size(devices_limit.saturating_sub(1)))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read devices"))?;
    let Some(highest) = forgotten.iter().map(|(_, epoch)| *epoch).max() else {
        return Ok(());
    };
    for shape in [FORGET, FORGET_CURSORS] {
        for chunk in chunks(&forgotten) {
            let mut query = sqlx::query(shape.sql(chunk.rows())).bind(integer(user.get()));
            for (device, _) in chunk.padded() {
                query = query.bind(device.as_str());
            }
            query
                .execute(session.connection())
                .await
                .map_err(failed("could not forget devices"))?;
        }
    }
    sqlx::query("UPDATE User SET forgotten_epoch = GREATEST(forgotten_epoch, ?) WHERE id = ?")
        .bind(highest)
        .bind(integer(user.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not note a forgotten device"))?;
    Ok(())
}

/// Devices whose newest session was opened lately.
pub(super) const READ_OPENED: &str = concat!(
    "SELECT userid, device, epoch FROM Device FORCE INDEX (device_by_opening)
      WHERE opened_at >= ",
    now!(),
    " - ? AND (userid > ? OR (userid = ? AND device > ?))
      ORDER BY userid, device LIMIT ?"
);

/// Devices opened lately; the port's method says which.
pub(super) async fn opened(
    store: &MySqlStore,
    window: Duration,
    after: Option<(UserId, Device)>,
    limit: usize,
) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
    let (user, device) = after.map_or((0, String::new()), |(user, device)| {
        (integer(user.get()), device.as_str().to_owned())
    });
    let device = device.as_str();
    store
        .call(|mut session| async move {
            (
                read_opened(&mut session, window, user, device, limit).await,
                session,
            )
        })
        .await
}

async fn read_opened(
    session: &mut Session,
    window: Duration,
    user: i64,
    device: &str,
    limit: usize,
) -> Result<Vec<(UserId, Device, u64)>, CallError> {
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(READ_OPENED)
        .bind(milliseconds(window))
        .bind(user)
        .bind(user)
        .bind(device)
        .bind(size(limit))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read opened devices"))?;
    let opened = rows.into_iter().map(|(user, device, epoch)| {
        let device = Device::parse(&device).map_err(|_| bad_column("device"))?;
        Ok((user_id(user)?, device, count("epoch", epoch)?))
    });
    opened.collect()
}
