//! Making a group.

use std::collections::BTreeMap;

use chat_core::ports::{CreateGroup, NewGroup};
use chat_core::types::{ConversationId, Group, GroupId, GroupMembership, Role, Seq};

use super::append::make;
use super::error::{CallError, failed};
use super::memberships::insert_member;
use super::session::Session;
use super::users;
use crate::sql::rows::{bad_column, integer, size};

/// Makes a group; the port's method says what it answers.
pub(super) async fn create(
    session: &mut Session,
    new: &NewGroup,
    limit: usize,
) -> Result<CreateGroup, CallError> {
    session.begin().await?;
    let has_creator = users::lock(session, new.creator, new.creator).await? > 0;
    if let Some(taken) = taken(session, new).await? {
        return Ok(taken);
    }
    if !has_creator {
        return Ok(CreateGroup::NoSuchUser);
    }
    let groups: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM GroupUser WHERE userid = ?")
        .bind(integer(new.creator.get()))
        .fetch_one(session.connection())
        .await
        .map_err(failed("could not count groups"))?;
    if groups >= size(limit) {
        return Ok(CreateGroup::TooMany);
    }
    let id = match insert_group(session, new).await {
        Ok(id) => id,
        // Another node was faster, and has committed by now.
        Err(error) if error.is_duplicate() => return taken(session, new).await?.ok_or(error),
        Err(error) => return Err(error),
    };
    let conversation = ConversationId::group(id);
    make(
        session,
        &BTreeMap::from([(conversation.to_string(), conversation)]),
    )
    .await?;
    insert_member(session, id, new.creator, Role::Creator, Seq::ZERO).await?;
    session.commit().await?;
    Ok(CreateGroup::Created(GroupMembership {
        group: Group {
            id,
            name: new.name.clone(),
            description: new.description.clone(),
            members: 1,
        },
        role: Role::Creator,
        joined_seq: Seq::ZERO,
    }))
}

/// Whether the id or the name is taken; the id is looked at first.
async fn taken(session: &mut Session, new: &NewGroup) -> Result<Option<CreateGroup>, CallError> {
    let (has_id, has_name): (bool, bool) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM AllGroup WHERE id = ?),
                EXISTS (SELECT 1 FROM AllGroup WHERE name_key = ?)",
    )
    .bind(new.id.map_or(0, |id| integer(id.get())))
    .bind(new.name.key().as_str().as_bytes())
    .fetch_one(session.connection())
    .await
    .map_err(failed("could not read a group"))?;
    Ok(match (has_id, has_name) {
        (true, _) => Some(CreateGroup::IdTaken),
        (false, true) => Some(CreateGroup::NameTaken),
        (false, false) => None,
    })
}

async fn insert_group(session: &mut Session, new: &NewGroup) -> Result<GroupId, CallError> {
    let inserted =
        sqlx::query("INSERT INTO AllGroup (id, groupname, groupdesc, name_key) VALUES (?, ?, ?, ?)")
            // MySQL chooses the id where it is NULL.
            .bind(new.id.map(|id| integer(id.get())))
            .bind(new.name.as_str())
            .bind(new.description.as_str())
            .bind(new.name.key().as_str().as_bytes())
            .execute(session.connection())
            .await
            .map_err(failed("could not store a group"))?;
    match new.id {
        Some(id) => Ok(id),
        None => Ok(GroupId::new(inserted.last_insert_id()).map_err(|_| bad_column("groupid"))?),
    }
}
