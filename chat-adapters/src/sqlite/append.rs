//! Storing messages: the hot path.
//!
//! A batch costs one transaction of three statements, whatever its size: each takes the batch as one JSON
//! parameter. Numbers are given out here, under the file's write lock.
//!
//! Clients rarely send a message again, so at first nobody looks for what is stored already: a message that is there
//! is refused by its unique index. Only then the batch begins anew, and looks.

use std::collections::HashMap;

use chat_core::ports::{Appended, NewMessage, SendPolicy};
use chat_core::types::{ConversationId, Data, Seq, UserId};
use chat_core::{BackendError, Timestamp};

use super::SqliteStore;
use super::error::{failed, is_duplicate};
use super::rows::{self, json, origin_word};
use super::store::WriteTransaction;
use crate::sql::numbering::{Access, Key, Numbering};

/// Stores a batch; the port's method says what it answers.
pub(super) async fn append(store: &SqliteStore, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = store.begin().await?;
    if let Some(outcomes) = run(transaction, batch, None).await? {
        return Ok(outcomes);
    }
    let mut transaction = store.begin().await?;
    let stored = read_duplicates(&mut transaction, batch).await?;
    let outcomes = run(transaction, batch, Some(stored)).await?;
    outcomes.ok_or_else(|| BackendError::broken("a message is stored under a number that was not given out"))
}

/// Stores a batch beside what is known to be stored; `None` where nobody looked and that would matter.
async fn run<'b>(
    mut transaction: WriteTransaction,
    batch: &'b [NewMessage],
    stored: Option<HashMap<Key<'b>, (Seq, Timestamp)>>,
) -> Result<Option<Vec<Appended>>, BackendError> {
    let looked = stored.is_some();
    let access = read_access(&mut transaction, batch).await?;
    let mut numbering = Numbering::new(stored.unwrap_or_default(), access);
    let outcomes: Vec<_> = batch.iter().map(|new| numbering.place(new)).collect();
    if !looked && !Numbering::all_answered(&outcomes) {
        return Ok(None);
    }
    if numbering.rows.is_empty() {
        return Ok(Some(outcomes));
    }
    store_conversations(&mut transaction, &numbering.last).await?;
    if !store_messages(&mut transaction, &numbering.rows).await? {
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(outcomes))
}

/// The messages of a batch that are stored: their place in it, number and time.
pub(super) const READ_DUPLICATES: &str = "SELECT k.key, m.seq, m.at
      FROM json_each(?1) k
     CROSS JOIN Message m ON m.conversation = k.value ->> 0
                         AND m.sender = k.value ->> 1
                         AND m.id = k.value ->> 2";

/// Finds the messages of a batch that are stored already.
async fn read_duplicates<'b>(
    transaction: &mut WriteTransaction,
    batch: &'b [NewMessage],
) -> Result<HashMap<Key<'b>, (Seq, Timestamp)>, BackendError> {
    let keys: Vec<_> = batch
        .iter()
        .map(|new| (new.conversation, new.sender, new.id.as_str()))
        .collect();
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(READ_DUPLICATES)
        .bind(json(&keys)?)
        .fetch_all(transaction.connection())
        .await
        .map_err(failed("could not look for duplicates"))?;
    let mut stored = HashMap::with_capacity(batch.len());
    for (item, seq, at) in found {
        let new = item_of(batch, item)?;
        let first = (rows::seq(seq)?, rows::timestamp(at)?);
        stored.insert((new.conversation, new.sender, &new.id), first);
    }
    Ok(stored)
}

/// What decides about each (conversation, sender, other user, group, other user where only friends may write).
///
/// Users are never removed, so a direct conversation that is there tells that its users are.
pub(super) const READ_ACCESS: &str = "SELECT q.key, COALESCE(c.last_seq, 0),
          c.low_user IS NOT NULL
           OR EXISTS (SELECT 1 FROM User u WHERE u.id = q.value ->> 1)
              AND (EXISTS (SELECT 1 FROM User u WHERE u.id = q.value ->> 2)
                OR EXISTS (SELECT 1 FROM AllGroup g WHERE g.id = q.value ->> 3)),
          EXISTS (SELECT 1 FROM GroupUser m WHERE m.groupid = q.value ->> 3 AND m.userid = q.value ->> 1),
          EXISTS (SELECT 1 FROM Friend f WHERE f.userid = q.value ->> 1 AND f.friendid = q.value ->> 4)
     FROM json_each(?1) q LEFT JOIN Conversation c ON c.id = q.value ->> 0";

/// Reads what decides about each sender in each conversation of a batch.
async fn read_access(
    transaction: &mut WriteTransaction,
    batch: &[NewMessage],
) -> Result<HashMap<(ConversationId, UserId), Access>, BackendError> {
    let mut to_friends: HashMap<_, bool> = HashMap::with_capacity(batch.len());
    for new in batch {
        if new.conversation.as_group().is_some() || new.conversation.other(new.sender).is_some() {
            *to_friends.entry((new.conversation, new.sender)).or_default() |=
                new.policy == SendPolicy::Friends;
        }
    }
    let (pairs, questions): (Vec<_>, Vec<_>) = to_friends
        .into_iter()
        .map(|(pair, to_friends)| {
            let (conversation, sender) = pair;
            let other = conversation.other(sender);
            let friend = other.filter(|_| to_friends);
            (
                pair,
                (conversation, sender, other, conversation.as_group(), friend),
            )
        })
        .unzip();
    let answers: Vec<(i64, i64, bool, bool, bool)> = sqlx::query_as(READ_ACCESS)
        .bind(json(&questions)?)
        .fetch_all(transaction.connection())
        .await
        .map_err(failed("could not read who may write"))?;
    let mut access = HashMap::with_capacity(pairs.len());
    for (item, last_seq, exists, is_member, are_friends) in answers {
        let pair = item_of(&pairs, item)?;
        let answer = Access {
            last_seq: rows::seq(last_seq)?,
            exists,
            is_member,
            are_friends,
        };
        access.insert(*pair, answer);
    }
    Ok(access)
}

/// How far conversations have come.
pub(super) const STORE_CONVERSATIONS: &str =
    "INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user, groupid)
     SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, CAST(unixepoch('subsec') * 1000 AS INTEGER),
            r.value ->> 3, r.value ->> 4, r.value ->> 5
       FROM json_each(?1) r
      WHERE TRUE
         ON CONFLICT (id) DO UPDATE SET last_seq = excluded.last_seq,
                                        last_at = excluded.last_at,
                                        updated_at = excluded.updated_at";

/// Stores how far each conversation has come, and begins those that are new.
async fn store_conversations(
    transaction: &mut WriteTransaction,
    last: &HashMap<ConversationId, (Seq, Timestamp)>,
) -> Result<(), BackendError> {
    let rows: Vec<_> = last
        .iter()
        .map(|(id, (seq, at))| {
            let (low, high) = id.users().unzip();
            (id, seq, at, low, high, id.as_group())
        })
        .collect();
    sqlx::query(STORE_CONVERSATIONS)
        .bind(json(&rows)?)
        .execute(transaction.connection())
        .await
        .map_err(failed("could not store conversations"))?;
    Ok(())
}

/// Messages under their numbers.
pub(super) const STORE_MESSAGES: &str =
    "INSERT INTO Message (conversation, seq, sender, id, id_origin, body, data, at)
     SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
            r.value ->> 6, r.value ->> 7
       FROM json_each(?1) r";

/// Stores the messages under their numbers; `false` where one is stored already.
async fn store_messages(
    transaction: &mut WriteTransaction,
    messages: &[(Seq, &NewMessage)],
) -> Result<bool, BackendError> {
    let rows: Vec<_> = messages
        .iter()
        .map(|(seq, new)| {
            let origin = origin_word(new.id_origin);
            let data = new.data.as_ref().map(Data::as_str);
            (
                new.conversation,
                seq,
                new.sender,
                &new.id,
                origin,
                &new.body,
                data,
                new.at,
            )
        })
        .collect();
    let stored = sqlx::query(STORE_MESSAGES)
        .bind(json(&rows)?)
        .execute(transaction.connection())
        .await;
    match stored {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(failed("could not store messages")(error)),
    }
}

/// The item that a statement answered by its place in the parameter.
fn item_of<T>(items: &[T], place: i64) -> Result<&T, BackendError> {
    let item = usize::try_from(place).ok().and_then(|place| items.get(place));
    item.ok_or_else(|| BackendError::broken("an answer is for no item of the batch"))
}
