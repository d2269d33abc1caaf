//! Who may write where.

use std::collections::{BTreeSet, HashMap, HashSet};

use chat_core::ports::{NewMessage, SendPolicy};
use chat_core::types::{ConversationId, GroupId, UserId};

use super::append::Locked;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use crate::sql::numbering::Access;
use crate::sql::rows::{group_id, integer, user_id};

/// Reads what decides about each sender in each conversation of a batch.
///
/// Joining and leaving take the lock of the group's conversation too, so a membership that is read
/// here holds until the messages are stored.
pub(super) async fn read(
    session: &mut Session,
    batch: &[NewMessage],
    locked: &Locked,
) -> Result<HashMap<(ConversationId, UserId), Access>, CallError> {
    let asked: HashSet<_> = batch.iter().map(|new| (new.conversation, new.sender)).collect();
    let in_groups: BTreeSet<_> = asked
        .iter()
        .filter(|(conversation, _)| locked.contains_key(conversation))
        .filter_map(|(conversation, sender)| Some((conversation.as_group()?, *sender)))
        .collect();
    let members = members(session, &in_groups).await?;
    let strangers = in_groups.difference(&members).map(|(_, user)| *user);
    let existing = existing_users(session, strangers).await?;
    let friends = friends(session, batch, locked).await?;
    let mut access = HashMap::with_capacity(asked.len());
    for (conversation, sender) in asked {
        let other = conversation.other(sender);
        let membership = conversation.as_group().map(|group| (group, sender));
        if other.is_none() && membership.is_none() {
            continue;
        }
        let is_member = membership.is_some_and(|membership| members.contains(&membership));
        let last_seq = locked.get(&conversation);
        let answer = Access {
            last_seq: last_seq.copied().unwrap_or_default(),
            exists: last_seq.is_some() && (other.is_some() || is_member || existing.contains(&sender)),
            is_member,
            are_friends: other.is_some_and(|other| friends.contains(&(sender, other))),
        };
        access.insert((conversation, sender), answer);
    }
    Ok(access)
}

/// Users by id.
pub(super) const READ_EXISTING: Shape = Shape {
    head: "SELECT id FROM User FORCE INDEX (PRIMARY) WHERE id IN (",
    row: "?",
    between: ", ",
    tail: ")",
};

/// Which of these users exist.
pub(super) async fn existing_users(
    session: &mut Session,
    users: impl IntoIterator<Item = UserId>,
) -> Result<HashSet<UserId>, CallError> {
    let users: Vec<_> = users.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut existing = HashSet::with_capacity(users.len());
    for chunk in chunks(&users) {
        let mut query = sqlx::query_scalar(READ_EXISTING.sql(chunk.rows()));
        for user in chunk.padded() {
            query = query.bind(integer(user.get()));
        }
        let ids: Vec<i64> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not look for users"))?;
        for id in ids {
            existing.insert(user_id(id)?);
        }
    }
    Ok(existing)
}

/// Memberships.
pub(super) const READ_MEMBERS: Shape = Shape {
    head: "SELECT groupid, userid FROM GroupUser FORCE INDEX (PRIMARY) WHERE (groupid, userid) IN (",
    row: "(?, ?)",
    between: ", ",
    tail: ")",
};

async fn members(
    session: &mut Session,
    asked: &BTreeSet<(GroupId, UserId)>,
) -> Result<BTreeSet<(GroupId, UserId)>, CallError> {
    let asked: Vec<_> = asked
        .iter()
        .map(|(group, user)| (group.get(), user.get()))
        .collect();
    let rows = read_pairs(session, READ_MEMBERS, &asked, "could not read members").await?;
    let members = rows
        .into_iter()
        .map(|(group, user)| Ok((group_id(group)?, user_id(user)?)));
    members.collect()
}

/// Friendships.
pub(super) const READ_FRIENDS: Shape = Shape {
    head: "SELECT userid, friendid FROM Friend FORCE INDEX (PRIMARY) WHERE (userid, friendid) IN (",
    row: "(?, ?)",
    between: ", ",
    tail: ")",
};

/// The friendships that the policies of a batch ask for.
async fn friends(
    session: &mut Session,
    batch: &[NewMessage],
    locked: &Locked,
) -> Result<HashSet<(UserId, UserId)>, CallError> {
    let asked: BTreeSet<_> = batch
        .iter()
        .filter(|new| new.policy == SendPolicy::Friends && locked.contains_key(&new.conversation))
        .filter_map(|new| Some((new.sender.get(), new.conversation.other(new.sender)?.get())))
        .collect();
    let asked: Vec<_> = asked.into_iter().collect();
    let rows = read_pairs(session, READ_FRIENDS, &asked, "could not read friends").await?;
    let friends = rows
        .into_iter()
        .map(|(user, friend)| Ok((user_id(user)?, user_id(friend)?)));
    friends.collect()
}

/// Which of these pairs a table has.
async fn read_pairs(
    session: &mut Session,
    shape: Shape,
    asked: &[(u64, u64)],
    what: &'static str,
) -> Result<Vec<(i64, i64)>, CallError> {
    let mut found = Vec::with_capacity(asked.len());
    for chunk in chunks(asked) {
        let mut query = sqlx::query_as(shape.sql(chunk.rows()));
        for (one, other) in chunk.padded() {
            query = query.bind(integer(*one)).bind(integer(*other));
        }
        let rows: Vec<(i64, i64)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed(what))?;
        found.extend(rows);
    }
    Ok(found)
}
