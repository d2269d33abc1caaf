//! Which messages of a batch are stored already.

use std::collections::HashMap;

use chat_core::Timestamp;
use chat_core::ports::NewMessage;
use chat_core::types::Seq;

use super::append::Locked;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::numbering::Key;
use crate::sql::rows::{bad_column, conversation_id, integer, seq, timestamp, user_id};

/// Messages by what makes them one and the same.
pub(super) const READ_DUPLICATES: Shape = Shape {
    head: "SELECT conversation, sender, id, seq, at FROM Message FORCE INDEX (message_by_id)
            WHERE (conversation, sender, id) IN (",
    row: "(?, ?, ?)",
    between: ", ",
    tail: ")",
};

/// Finds the messages of a batch that are stored already, while their conversations are locked: of two
/// nodes that have the same message at the same moment, the second one finds that of the first.
pub(super) async fn read<'b>(
    session: &mut Session,
    batch: &'b [NewMessage],
    locked: &Locked,
) -> Result<HashMap<Key<'b>, (Seq, Timestamp)>, CallError> {
    let has_messages = |new: &&NewMessage| {
        locked
            .get(&new.conversation)
            .is_some_and(|last| *last > Seq::ZERO)
    };
    let asked: Vec<&'b NewMessage> = batch.iter().filter(has_messages).collect();
    let ids: HashMap<_, _> = asked
        .iter()
        .map(|new| ((new.conversation, new.sender, new.id.as_str()), &new.id))
        .collect();
    let mut stored = HashMap::new();
    for chunk in chunks(&asked) {
        let mut query = sqlx::query_as(READ_DUPLICATES.sql(chunk.rows()));
        for new in chunk.padded() {
            query = query
                .bind(new.conversation.to_string())
                .bind(integer(new.sender.get()))
                .bind(new.id.as_str());
        }
        let rows: Vec<(String, i64, String, i64, i64)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not look for duplicates"))?;
        for (conversation, sender, id, number, at) in rows {
            let (conversation, sender) = (conversation_id(&conversation)?, user_id(sender)?);
            let id = ids.get(&(conversation, sender, id.as_str()));
            let id = id.ok_or_else(|| bad_column("message id"))?;
            stored.insert((conversation, sender, *id), (seq(number)?, timestamp(at)?));
        }
    }
    Ok(stored)
}
