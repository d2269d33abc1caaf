//! Where a device stands in the conversations of its user.

use chat_core::BackendError;
use chat_core::ports::{ConversationHead, Position};
use chat_core::types::{ConversationId, Device, UserId};

use super::SqliteStore;
use super::error::failed;
use super::rows::{integer, seq, size};
use crate::sql::positions::{HeadRow, PageStart, position};

/// A page of positions.
pub(super) const READ_PAGE: &str = "SELECT p.id, p.last_seq, MAX(p.joined_seq, COALESCE(d.acked_seq, 0))
      FROM (SELECT * FROM (SELECT id, last_seq, 0 AS joined_seq, 0 AS groupid, low_user, high_user
                             FROM Conversation
                            WHERE high_user = ?1 AND low_user > ?3 AND low_user < ?1
                            ORDER BY low_user LIMIT ?6)
            UNION ALL
            SELECT * FROM (SELECT id, last_seq, 0, 0, low_user, high_user
                             FROM Conversation
                            WHERE low_user = ?1 AND high_user > ?4
                            ORDER BY high_user LIMIT ?6)
            UNION ALL
            SELECT * FROM (SELECT 'g:' || m.groupid, COALESCE(c.last_seq, 0), m.joined_seq, m.groupid, 0, 0
                             FROM GroupUser m LEFT JOIN Conversation c ON c.groupid = m.groupid
                            WHERE m.userid = ?1 AND m.groupid > ?5
                            ORDER BY m.groupid LIMIT ?6)) p
      LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = p.id AND d.device = ?2
     ORDER BY p.groupid, p.low_user, p.high_user LIMIT ?6";

/// A page of positions; the port's method says which.
///
/// A user's conversations come from three places, whose order together is the order of ids: those
/// where the user has the higher id, those where they have the lower one, and their groups. Each
/// is read by an index from where the page begins, no further than its end.
pub(super) async fn page(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<Position>, BackendError> {
    let start = PageStart::after(after, user);
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(READ_PAGE)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .bind(start.low_user)
        .bind(start.high_user)
        .bind(start.group)
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read positions"))?;
    let positions = rows
        .into_iter()
        .map(|(id, last, acked)| position(&id, last, acked));
    positions.collect()
}

/// One position in a group.
pub(super) const READ_OF_GROUP: &str =
    "SELECT COALESCE(c.last_seq, 0), MAX(m.joined_seq, COALESCE(d.acked_seq, 0))
      FROM GroupUser m
      LEFT JOIN Conversation c ON c.groupid = m.groupid
      LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = c.id AND d.device = ?2
     WHERE m.groupid = ?3 AND m.userid = ?1";

/// One position in a direct conversation.
pub(super) const READ_OF_DIRECT: &str = "SELECT c.last_seq, COALESCE(d.acked_seq, 0)
      FROM Conversation c
      LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = c.id AND d.device = ?2
     WHERE c.id = ?3";

/// One position; `None` where the user takes no part.
pub(super) async fn one(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    conversation: ConversationId,
) -> Result<Option<Position>, BackendError> {
    let query = match conversation.as_group() {
        Some(group) => sqlx::query_as(READ_OF_GROUP)
            .bind(integer(user.get()))
            .bind(device.as_str().to_owned())
            .bind(integer(group.get())),
        None if conversation.other(user).is_none() => return Ok(None),
        None => sqlx::query_as(READ_OF_DIRECT)
            .bind(integer(user.get()))
            .bind(device.as_str().to_owned())
            .bind(conversation.to_string()),
    };
    let row: Option<(i64, i64)> = query
        .fetch_optional(&store.readers)
        .await
        .map_err(failed("could not read a position"))?;
    row.map(|(last, acked)| {
        Ok(Position {
            conversation,
            last_seq: seq(last)?,
            acked_seq: seq(acked)?,
        })
    })
    .transpose()
}

/// The newest conversations with their last messages.
pub(super) const READ_HEADS: &str =
    "SELECT h.last_seq, MAX(h.joined_seq, COALESCE(d.acked_seq, 0)) AS acked_seq,
           m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
      FROM (SELECT id, last_seq, last_at, 0 AS joined_seq, 0 AS groupid, low_user, high_user
              FROM Conversation WHERE low_user = ?1
            UNION ALL
            SELECT id, last_seq, last_at, 0, 0, low_user, high_user
              FROM Conversation WHERE high_user = ?1 AND low_user < ?1
            UNION ALL
            SELECT c.id, c.last_seq, c.last_at, g.joined_seq, g.groupid, 0, 0
              FROM GroupUser g CROSS JOIN Conversation c ON c.groupid = g.groupid WHERE g.userid = ?1
             ORDER BY last_at DESC, groupid DESC, low_user DESC, high_user DESC LIMIT ?3) h
     CROSS JOIN Message m ON m.conversation = h.id AND m.seq = h.last_seq
     CROSS JOIN User u ON u.id = m.sender
      LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = h.id AND d.device = ?2
     ORDER BY h.last_at DESC, h.groupid DESC, h.low_user DESC, h.high_user DESC";

/// The newest conversations; the port's method says which.
pub(super) async fn heads(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<Vec<ConversationHead>, BackendError> {
    let rows: Vec<HeadRow> = sqlx::query_as(READ_HEADS)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read heads"))?;
    rows.into_iter().map(HeadRow::into_head).collect()
}
