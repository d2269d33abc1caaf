//! Where a device stands in the conversations of its user.

use chat_core::BackendError;
use chat_core::ports::{ConversationHead, Position};
use chat_core::types::{ConversationId, Device, UserId};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use crate::sql::positions::{HeadRow, PageStart, position};
use crate::sql::rows::{integer, seq, size};

/// A page of positions.
pub(super) const READ_PAGE: &str = "SELECT p.id, p.last_seq, GREATEST(p.joined_seq, COALESCE(d.acked_seq, 0))
       FROM ((SELECT id, last_seq, 0 AS joined_seq, 0 AS groupid, low_user, high_user
                FROM Conversation
               WHERE high_user = ? AND low_user > ? AND low_user < ? AND last_seq > 0
               ORDER BY low_user LIMIT ?)
             UNION ALL
             (SELECT id, last_seq, 0, 0, low_user, high_user
                FROM Conversation
               WHERE low_user = ? AND high_user > ? AND last_seq > 0
               ORDER BY high_user LIMIT ?)
             UNION ALL
             (SELECT c.id, c.last_seq, m.joined_seq, m.groupid, 0, 0
                FROM GroupUser m STRAIGHT_JOIN Conversation c ON c.groupid = m.groupid
               WHERE m.userid = ? AND m.groupid > ?
               ORDER BY m.groupid LIMIT ?)) p
       LEFT JOIN DeviceCursor d ON d.userid = ? AND d.conversation = p.id AND d.device = ?
      ORDER BY p.groupid, p.low_user, p.high_user LIMIT ?";

/// A page of positions; the port's method says which.
///
/// A user's conversations come from three places, whose order together is the order of ids: those
/// where the user has the higher id, those where they have the lower one, and their groups. Each
/// is read by an index from where the page begins, no further than its end.
pub(super) async fn page(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<Position>, BackendError> {
    store
        .call(
            |mut session| async move { (read_page(&mut session, user, device, after, limit).await, session) },
        )
        .await
}

async fn read_page(
    session: &mut Session,
    user: UserId,
    device: &Device,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<Position>, CallError> {
    let start = PageStart::after(after, user);
    let (user, limit) = (integer(user.get()), size(limit));
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(READ_PAGE)
        .bind(user)
        .bind(start.low_user)
        .bind(user)
        .bind(limit)
        .bind(user)
        .bind(start.high_user)
        .bind(limit)
        .bind(user)
        .bind(start.group)
        .bind(limit)
        .bind(user)
        .bind(device.as_str())
        .bind(limit)
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read positions"))?;
    let positions = rows
        .into_iter()
        .map(|(id, last, acked)| Ok(position(&id, last, acked)?));
    positions.collect()
}

/// One position in a group.
pub(super) const READ_OF_GROUP: &str = "SELECT c.last_seq, GREATEST(m.joined_seq, COALESCE(d.acked_seq, 0))
       FROM GroupUser m
       JOIN Conversation c ON c.groupid = m.groupid
       LEFT JOIN DeviceCursor d ON d.userid = m.userid AND d.conversation = c.id AND d.device = ?
      WHERE m.userid = ? AND m.groupid = ?";

/// One position in a direct conversation.
pub(super) const READ_OF_DIRECT: &str = "SELECT c.last_seq, COALESCE(d.acked_seq, 0)
       FROM Conversation c
       LEFT JOIN DeviceCursor d ON d.conversation = c.id AND d.device = ? AND d.userid = ?
      WHERE c.id = ? AND c.last_seq > 0";

/// One position; `None` where the user takes no part.
pub(super) async fn one(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    conversation: ConversationId,
) -> Result<Option<Position>, BackendError> {
    if conversation.as_group().is_none() && conversation.other(user).is_none() {
        return Ok(None);
    }
    store
        .call(
            |mut session| async move { (read_one(&mut session, user, device, conversation).await, session) },
        )
        .await
}

async fn read_one(
    session: &mut Session,
    user: UserId,
    device: &Device,
    conversation: ConversationId,
) -> Result<Option<Position>, CallError> {
    let (statement, group) = match conversation.as_group() {
        Some(group) => (READ_OF_GROUP, Some(group)),
        None => (READ_OF_DIRECT, None),
    };
    let query = sqlx::query_as(statement)
        .bind(device.as_str())
        .bind(integer(user.get()));
    let query = match group {
        Some(group) => query.bind(integer(group.get())),
        None => query.bind(conversation.to_string()),
    };
    let row: Option<(i64, i64)> = query
        .fetch_optional(session.connection())
        .await
        .map_err(failed("could not read a position"))?;
    let Some((last, acked)) = row else {
        return Ok(None);
    };
    Ok(Some(Position {
        conversation,
        last_seq: seq(last)?,
        acked_seq: seq(acked)?,
    }))
}

/// The newest conversations with their last messages.
pub(super) const READ_HEADS: &str =
    "SELECT h.last_seq, GREATEST(h.joined_seq, COALESCE(d.acked_seq, 0)) AS acked_seq,
            m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
       FROM (SELECT id, last_seq, last_at, 0 AS joined_seq, 0 AS groupid, low_user, high_user
               FROM Conversation WHERE low_user = ? AND last_seq > 0
             UNION ALL
             SELECT id, last_seq, last_at, 0, 0, low_user, high_user
               FROM Conversation WHERE high_user = ? AND low_user < ? AND last_seq > 0
             UNION ALL
             SELECT c.id, c.last_seq, c.last_at, g.joined_seq, g.groupid, 0, 0
               FROM GroupUser g STRAIGHT_JOIN Conversation c ON c.groupid = g.groupid
              WHERE g.userid = ? AND c.last_seq > 0
              ORDER BY last_at DESC, groupid DESC, low_user DESC, high_user DESC LIMIT ?) h
      STRAIGHT_JOIN Message m ON m.conversation = h.id AND m.seq = h.last_seq
      STRAIGHT_JOIN User u ON u.id = m.sender
       LEFT JOIN DeviceCursor d ON d.userid = ? AND d.conversation = h.id AND d.device = ?
      ORDER BY h.last_at DESC, h.groupid DESC, h.low_user DESC, h.high_user DESC";

/// The newest conversations; the port's method says which.
pub(super) async fn heads(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<Vec<ConversationHead>, BackendError> {
    store
        .call(|mut session| async move { (read_heads(&mut session, user, device, limit).await, session) })
        .await
}

async fn read_heads(
    session: &mut Session,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<Vec<ConversationHead>, CallError> {
    let user = integer(user.get());
    let rows: Vec<HeadRow> = sqlx::query_as(READ_HEADS)
        .bind(user)
        .bind(user)
        .bind(user)
        .bind(user)
        .bind(size(limit))
        .bind(user)
        .bind(device.as_str())
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read heads"))?;
    let heads = rows.into_iter().map(HeadRow::into_head);
    Ok(heads.collect::<Result<_, _>>()?)
}
