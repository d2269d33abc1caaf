//! Storing messages: the hot path.
//!
//! A batch costs one transaction of a handful of statements, whatever its size. The rows of its
//! conversations are locked first, in the order of their key, so that two nodes wait for each other
//! and do not end in a deadlock. Everything that decides is read under these locks: at READ COMMITTED
//! each statement sees what was committed before it.
//!
//! Looking for messages that are stored already costs about as much as storing them, and clients rarely
//! send one again. So it is not done at first: a message that is there already is refused by its unique
//! key. Only where that happens, or where a sender may not write, the batch begins anew, and looks.

use std::collections::{BTreeMap, HashMap};

use chat_core::BackendError;
use chat_core::ports::{Appended, NewMessage};
use chat_core::types::{ConversationId, Data, Seq};

use super::MySqlStore;
use super::access::{self, existing_users};
use super::clock::second;
use super::duplicates;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::numbering::Numbering;
use crate::sql::rows::{conversation_id, integer, origin_word, seq};

/// Stores a batch; the port's method says what it answers.
pub(super) async fn append(store: &MySqlStore, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    store
        .call(|mut session| async move { (run(&mut session, batch).await, session) })
        .await
}

async fn run(session: &mut Session, batch: &[NewMessage]) -> Result<Vec<Appended>, CallError> {
    session.begin().await?;
    let locked = lock_all(session, batch).await?;
    let access = access::read(session, batch, &locked).await?;
    let mut numbering = Numbering::new(HashMap::new(), access);
    let outcomes: Vec<_> = batch.iter().map(|new| numbering.place(new)).collect();
    if Numbering::all_answered(&outcomes) {
        match store(session, &numbering).await {
            Err(error) if error.is_clash() => {}
            stored => return stored.map(|()| outcomes),
        }
    }
    // What was stored of the batch before the clash is undone, or it would be found.
    session.roll_back().await?;
    run_and_look(session, batch).await
}

/// The same, looking for messages that are stored already.
async fn run_and_look(session: &mut Session, batch: &[NewMessage]) -> Result<Vec<Appended>, CallError> {
    session.begin().await?;
    let locked = lock_all(session, batch).await?;
    let stored = duplicates::read(session, batch, &locked).await?;
    let access = access::read(session, batch, &locked).await?;
    let mut numbering = Numbering::new(stored, access);
    let outcomes = batch.iter().map(|new| numbering.place(new)).collect();
    if !numbering.rows.is_empty() {
        store(session, &numbering).await?;
    }
    Ok(outcomes)
}

/// Stores what was placed, and makes it durable.
async fn store(session: &mut Session, numbering: &Numbering<'_>) -> Result<(), CallError> {
    store_messages(session, &numbering.rows).await?;
    store_conversations(session, numbering).await?;
    session.commit().await
}

/// Conversations that are locked, by how far they have come.
pub(super) type Locked = HashMap<ConversationId, Seq>;

/// Conversations in the order of their keys in the database.
type Ordered = BTreeMap<String, ConversationId>;

/// Locks the conversations of a batch, and makes the direct ones that are missing where both users
/// exist. Users are never removed, so a direct conversation that is there tells that its users are.
async fn lock_all(session: &mut Session, batch: &[NewMessage]) -> Result<Locked, CallError> {
    let mut wanted: Ordered = batch
        .iter()
        .map(|new| (new.conversation.to_string(), new.conversation))
        .collect();
    let locked = lock(session, &wanted).await?;
    let missing: Vec<_> = wanted
        .values()
        .filter(|id| !locked.contains_key(id))
        .filter_map(|id| Some((*id, id.users()?)))
        .collect();
    let users = existing_users(session, missing.iter().flat_map(|(_, (low, high))| [*low, *high])).await?;
    let possible: Vec<_> = missing
        .into_iter()
        .filter(|(_, (low, high))| users.contains(low) && users.contains(high))
        .map(|(id, _)| id)
        .collect();
    if possible.is_empty() {
        return Ok(locked);
    }
    // The locks are given up and taken again, since these rows may come before those in the order.
    session.roll_back().await?;
    session.begin().await?;
    wanted.retain(|_, id| locked.contains_key(id) || possible.contains(id));
    make(session, &wanted).await?;
    lock(session, &wanted).await
}

/// Conversations, locked in the order of their keys.
pub(super) const LOCK_CONVERSATIONS: Shape = Shape {
    head: "SELECT id, last_seq FROM Conversation FORCE INDEX (PRIMARY) WHERE id IN (",
    row: "?",
    between: ", ",
    tail: ") ORDER BY id FOR UPDATE",
};

async fn lock(session: &mut Session, wanted: &Ordered) -> Result<Locked, CallError> {
    let ids: Vec<_> = wanted.keys().collect();
    let mut locked = HashMap::with_capacity(ids.len());
    for chunk in chunks(&ids) {
        let mut query = sqlx::query_as(LOCK_CONVERSATIONS.sql(chunk.rows()));
        for id in chunk.padded() {
            query = query.bind(id.as_str());
        }
        let rows: Vec<(String, i64)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not lock conversations"))?;
        for (id, last_seq) in rows {
            locked.insert(conversation_id(&id)?, seq(last_seq)?);
        }
    }
    Ok(locked)
}

/// Conversations without a message; those that are there already are only locked.
pub(super) const MAKE_CONVERSATIONS: Shape = Shape {
    head: "INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user, groupid) VALUES ",
    row: "(?, 0, 0, 0, ?, ?, ?)",
    between: ", ",
    tail: " ON DUPLICATE KEY UPDATE last_seq = last_seq",
};

/// Makes what is missing of these conversations, and locks them all.
pub(super) async fn make(
    session: &mut Session,
    conversations: &BTreeMap<String, ConversationId>,
) -> Result<(), CallError> {
    let conversations: Vec<_> = conversations.iter().collect();
    for chunk in chunks(&conversations) {
        let mut query = sqlx::query(MAKE_CONVERSATIONS.sql(chunk.rows()));
        for (id, conversation) in chunk.padded() {
            let (low, high) = conversation.users().unzip();
            query = query
                .bind(id.as_str())
                .bind(low.map(|user| integer(user.get())))
                .bind(high.map(|user| integer(user.get())))
                .bind(conversation.as_group().map(|group| integer(group.get())));
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not begin conversations"))?;
    }
    Ok(())
}

/// Messages under their numbers. A row may be repeated; anything else that is there already under its
/// number or id is a clash, and refused as a NULL where there can be none.
pub(super) const STORE_MESSAGES: Shape = Shape {
    head: "INSERT INTO Message (conversation, seq, sender, id, id_origin, body, data, at) VALUES ",
    row: "(?, ?, ?, ?, ?, ?, ?, ?)",
    between: ", ",
    tail: " ON DUPLICATE KEY UPDATE seq = CASE WHEN seq = VALUES(seq) AND sender = VALUES(sender)
                                              AND id = VALUES(id) THEN seq END",
};

/// Stores the messages under their numbers.
async fn store_messages(session: &mut Session, messages: &[(Seq, &NewMessage)]) -> Result<(), CallError> {
    for chunk in chunks(messages) {
        let mut query = sqlx::query(STORE_MESSAGES.sql(chunk.rows()));
        for (place, (seq, new)) in chunk.padded().enumerate() {
            // What pads the batch is not stored, so its texts need not be sent again.
            let is_padding = place >= chunk.len();
            query = query
                .bind(new.conversation.to_string())
                .bind(integer(seq.get()))
                .bind(integer(new.sender.get()))
                .bind(new.id.as_str())
                .bind(origin_word(new.id_origin))
                .bind(if is_padding { "" } else { new.body.as_str() })
                .bind(new.data.as_ref().filter(|_| !is_padding).map(Data::as_str))
                .bind(integer(new.at.as_millis()));
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not store messages"))?;
    }
    Ok(())
}

/// How far conversations have come. All are there, so nothing is inserted.
pub(super) const STORE_CONVERSATIONS: Shape = Shape {
    head: "INSERT INTO Conversation (id, last_seq, last_at, updated_at) VALUES ",
    row: "(?, ?, ?, 0)",
    between: ", ",
    tail: concat!(
        " ON DUPLICATE KEY UPDATE last_seq = VALUES(last_seq), last_at = VALUES(last_at), updated_at = ",
        second!()
    ),
};

/// Stores how far each conversation has come.
async fn store_conversations(session: &mut Session, numbering: &Numbering<'_>) -> Result<(), CallError> {
    let mut rows: Vec<_> = numbering
        .last
        .iter()
        .map(|(id, last)| (id.to_string(), *last))
        .collect();
    rows.sort_unstable();
    for chunk in chunks(&rows) {
        let mut query = sqlx::query(STORE_CONVERSATIONS.sql(chunk.rows()));
        for (id, (seq, at)) in chunk.padded() {
            query = query
                .bind(id.as_str())
                .bind(integer(seq.get()))
                .bind(integer(at.as_millis()));
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not store conversations"))?;
    }
    Ok(())
}
