//! Reading messages in order.

use std::collections::HashMap;
use std::time::Duration;

use chat_core::BackendError;
use chat_core::ports::MessageRange;
use chat_core::types::{ConversationId, Message, Seq};

use super::MySqlStore;
use super::clock::now;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::rows::{MessageRow, conversation_id, integer, milliseconds, range_end, seq, size};

/// Messages after a number.
pub(super) const READ_AFTER: &str =
    "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
       FROM Message m STRAIGHT_JOIN User u ON u.id = m.sender
      WHERE m.conversation = ? AND m.seq > ? ORDER BY m.seq LIMIT ?";

/// Messages after a position, ascending.
pub(super) async fn after(
    store: &MySqlStore,
    conversation: ConversationId,
    after: Seq,
    limit: usize,
) -> Result<Vec<Message>, BackendError> {
    let start = integer(after.get());
    store
        .call(|mut session| async move {
            (
                page(&mut session, READ_AFTER, conversation, start, limit).await,
                session,
            )
        })
        .await
}

/// Messages of several ranges, in the order of the key.
pub(super) const READ_RANGES: Shape = Shape {
    head: "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
             FROM Message m FORCE INDEX (PRIMARY) STRAIGHT_JOIN User u ON u.id = m.sender WHERE ",
    row: "(m.conversation = ? AND m.seq > ? AND m.seq <= ?)",
    between: " OR ",
    tail: " ORDER BY m.conversation, m.seq",
};

/// Messages of several conversations, range by range.
pub(super) async fn ranges(
    store: &MySqlStore,
    ranges: &[MessageRange],
) -> Result<Vec<Message>, BackendError> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut messages = store
        .call(|mut session| async move { (read_ranges(&mut session, ranges).await, session) })
        .await?;
    let places = ranges.iter().map(|range| range.conversation).zip(0_usize..);
    let places: HashMap<_, _> = places.collect();
    // Stable: in a conversation the order stays.
    messages.sort_by_key(|message| places.get(&message.conversation).copied());
    Ok(messages)
}

async fn read_ranges(session: &mut Session, ranges: &[MessageRange]) -> Result<Vec<Message>, CallError> {
    let mut messages = Vec::new();
    for chunk in chunks(ranges) {
        let mut query = sqlx::query_as(READ_RANGES.sql(chunk.rows()));
        for range in chunk.padded() {
            query = query
                .bind(range.conversation.to_string())
                .bind(integer(range.after.get()))
                .bind(range_end(range));
        }
        let rows: Vec<MessageRow> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not read messages"))?;
        for row in rows {
            messages.push(row.into_message()?);
        }
    }
    Ok(messages)
}

/// Messages before a number, the last one first.
pub(super) const READ_BEFORE: &str =
    "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
       FROM Message m STRAIGHT_JOIN User u ON u.id = m.sender
      WHERE m.conversation = ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?";

/// The last messages before a position, ascending.
pub(super) async fn before(
    store: &MySqlStore,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> Result<Vec<Message>, BackendError> {
    let end = before.map_or(i64::MAX, |seq| integer(seq.get()));
    let mut messages = store
        .call(|mut session| async move {
            (
                page(&mut session, READ_BEFORE, conversation, end, limit).await,
                session,
            )
        })
        .await?;
    messages.reverse();
    Ok(messages)
}

async fn page(
    session: &mut Session,
    statement: &'static str,
    conversation: ConversationId,
    from: i64,
    limit: usize,
) -> Result<Vec<Message>, CallError> {
    let rows: Vec<MessageRow> = sqlx::query_as(statement)
        .bind(conversation.to_string())
        .bind(from)
        .bind(size(limit))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read messages"))?;
    let messages = rows.into_iter().map(MessageRow::into_message);
    Ok(messages.collect::<Result<_, _>>()?)
}

/// Conversations that got messages lately. The time of that is stored in whole seconds.
pub(super) const READ_CHANGED: &str = concat!(
    "SELECT id, last_seq FROM Conversation FORCE INDEX (conversation_by_update)
      WHERE updated_at > ",
    now!(),
    " - ? - 1000 AND last_seq > 0
        AND (COALESCE(groupid, 0), COALESCE(low_user, 0), COALESCE(high_user, 0)) > (?, ?, ?)
      ORDER BY groupid, low_user, high_user LIMIT ?"
);

/// Conversations that got messages lately, by ascending id: direct ones come before those of groups.
pub(super) async fn changed(
    store: &MySqlStore,
    window: Duration,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
    store
        .call(|mut session| async move { (read_changed(&mut session, window, after, limit).await, session) })
        .await
}

async fn read_changed(
    session: &mut Session,
    window: Duration,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<(ConversationId, Seq)>, CallError> {
    let (low, high) = after.and_then(ConversationId::users).unzip();
    let group = after.and_then(ConversationId::as_group);
    let rows: Vec<(String, i64)> = sqlx::query_as(READ_CHANGED)
        .bind(milliseconds(window))
        .bind(group.map_or(0, |id| integer(id.get())))
        .bind(low.map_or(0, |id| integer(id.get())))
        .bind(high.map_or(0, |id| integer(id.get())))
        .bind(size(limit))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read changed conversations"))?;
    let changed = rows
        .into_iter()
        .map(|(id, last)| Ok((conversation_id(&id)?, seq(last)?)));
    changed.collect()
}
