//! Reading messages in order.

use std::time::Duration;

use chat_core::BackendError;
use chat_core::ports::MessageRange;
use chat_core::types::{ConversationId, Message, Seq};

use super::SqliteStore;
use super::error::failed;
use super::rows::{MessageRow, conversation_id, integer, json, milliseconds, range_end, seq, size};

/// Messages after a number.
pub(super) const READ_AFTER: &str = READ_BEFORE;

/// Messages after a position, ascending.
pub(super) async fn after(
    store: &SqliteStore,
    conversation: ConversationId,
    after: Seq,
    limit: usize,
) -> Result<Vec<Message>, BackendError> {
    let rows: Vec<MessageRow> = sqlx::query_as(READ_AFTER)
        .bind(conversation.to_string())
        .bind(integer(after.get()))
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read messages"))?;
    rows.into_iter().map(MessageRow::into_message).collect()
}

/// Messages of several ranges, each a conversation, the number before its first and that of its last.
pub(super) const READ_RANGES: &str =
    "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
      FROM json_each(?1) r
     CROSS JOIN Message m ON m.conversation = r.value ->> 0 AND m.seq > r.value ->> 1 AND m.seq <= r.value ->> 2
     CROSS JOIN User u ON u.id = m.sender
     ORDER BY r.key, m.seq";

/// Messages of several conversations, range by range.
pub(super) async fn ranges(
    store: &SqliteStore,
    ranges: &[MessageRange],
) -> Result<Vec<Message>, BackendError> {
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| (range.conversation, range.after, range_end(range)))
        .collect();
    let rows: Vec<MessageRow> = sqlx::query_as(READ_RANGES)
        .bind(json(&ranges)?)
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read messages"))?;
    rows.into_iter().map(MessageRow::into_message).collect()
}

/// Messages before a number, the last one first.
pub(super) const READ_BEFORE: &str =
    "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
      FROM Message m CROSS JOIN User u ON u.id = m.sender
     WHERE m.conversation = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3";

/// The last messages before a position, ascending.
pub(super) async fn before(
    store: &SqliteStore,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> Result<Vec<Message>, BackendError> {
    let rows: Vec<MessageRow> = sqlx::query_as(
        "SELECT m.conversation, m.seq, m.sender, u.name, m.id, m.id_origin, m.body, m.data, m.at
           FROM Message m CROSS JOIN User u ON u.id = m.sender
          WHERE m.conversation = ?1 AND m.seq < ?2 ORDER BY m.seq DESC LIMIT ?3",
    )
    .bind(conversation.to_string())
    .bind(before.map_or(i64::MAX, |seq| integer(seq.get())))
    .bind(size(limit))
    .fetch_all(&store.readers)
    .await
    .map_err(failed("could not read messages"))?;
    rows.into_iter().rev().map(MessageRow::into_message).collect()
}

/// Conversations that got messages lately.
pub(super) const READ_CHANGED: &str = "SELECT id, last_seq FROM Conversation
     WHERE updated_at >= CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1
       AND (COALESCE(groupid, 0), COALESCE(low_user, 0), COALESCE(high_user, 0)) > (?2, ?3, ?4)
     ORDER BY groupid, low_user, high_user LIMIT ?5";

/// Conversations that got messages lately, by ascending id: direct ones come before those of groups.
pub(super) async fn changed(
    store: &SqliteStore,
    window: Duration,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
    let (low, high) = after.and_then(ConversationId::users).unzip();
    let group = after.and_then(ConversationId::as_group);
    let rows: Vec<(String, i64)> = sqlx::query_as(READ_CHANGED)
        .bind(milliseconds(window))
        .bind(group.map_or(0, |id| integer(id.get())))
        .bind(low.map_or(0, |id| integer(id.get())))
        .bind(high.map_or(0, |id| integer(id.get())))
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read changed conversations"))?;
    let changed = rows
        .into_iter()
        .map(|(id, last)| Ok((conversation_id(&id)?, seq(last)?)));
    changed.collect()
}
