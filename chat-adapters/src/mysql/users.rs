//! Accounts.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateUser, Credentials, NewUser, UserSelector, UserStore};
use chat_core::types::{PasswordHash, User, UserId};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{ROWS, Shape, chunks};
use crate::sql::rows::{bad_column, integer, size, user, user_id};

/// Users by id.
pub(super) const READ_USERS: Shape = Shape {
    head: "SELECT id, name FROM User WHERE id IN (",
    row: "?",
    between: ", ",
    tail: ") ORDER BY id",
};

/// States of users, in the order of their ids, such that two nodes do not wait for each other.
pub(super) const STORE_STATES: Shape = Shape {
    head: "UPDATE User FORCE INDEX (PRIMARY) SET state = ? WHERE id IN (",
    row: "?",
    between: ", ",
    tail: ") ORDER BY id",
};

#[async_trait]
impl UserStore for MySqlStore {
    async fn create_user(&self, new: &NewUser) -> Result<CreateUser, BackendError> {
        self.call(|mut session| async move { (create(&mut session, new).await, session) })
            .await
    }

    async fn credentials(&self, selector: &UserSelector) -> Result<Option<Credentials>, BackendError> {
        self.call(|mut session| async move { (credentials(&mut session, selector).await, session) })
            .await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError> {
        let ids = &sorted(ids)[..];
        self.call(|mut session| async move { (by_ids(&mut session, ids).await, session) })
            .await
    }

    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError> {
        if users.is_empty() {
            return Ok(());
        }
        let users = &sorted(users)[..];
        self.call(|mut session| async move { (set_states(&mut session, users, online).await, session) })
            .await
    }

    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.call(|mut session| async move { (online_states(&mut session, after, limit).await, session) })
            .await
    }
}

/// Locks two users, or one twice, until the transaction ends; answers how many of them exist.
///
/// Whatever counts something of a user, in order not to exceed a limit, does so under this lock.
pub(super) async fn lock(session: &mut Session, one: UserId, other: UserId) -> Result<usize, CallError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM User FORCE INDEX (PRIMARY) WHERE id IN (?, ?) ORDER BY id FOR UPDATE",
    )
    .bind(integer(one.get()))
    .bind(integer(other.get()))
    .fetch_all(session.connection())
    .await
    .map_err(failed("could not lock a user"))?;
    Ok(ids.len())
}

fn sorted(ids: &[UserId]) -> Vec<UserId> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

async fn create(session: &mut Session, new: &NewUser) -> Result<CreateUser, CallError> {
    session.begin().await?;
    if let Some(id) = new.id
        && let Some(holder) = holder_of_id(session, id).await?
    {
        return Ok(CreateUser::IdTaken(holder));
    }
    match insert(session, new).await {
        Ok(id) => {
            session.commit().await?;
            let name = new.name.clone();
            Ok(CreateUser::Created(User { id, name }))
        }
        Err(error) if error.is_duplicate() => taken(session, new).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

async fn insert(session: &mut Session, new: &NewUser) -> Result<UserId, CallError> {
    let inserted = sqlx::query("INSERT INTO User (id, name, password, name_key) VALUES (?, ?, ?, ?)")
        // MySQL chooses the id where it is NULL.
        .bind(new.id.map(|id| integer(id.get())))
        .bind(new.name.as_str())
        .bind(new.password.as_ref().map(PasswordHash::as_str))
        .bind(new.name.key().as_str().as_bytes())
        .execute(session.connection())
        .await
        .map_err(failed("could not store a user"))?;
    match new.id {
        Some(id) => Ok(id),
        None => Ok(UserId::new(inserted.last_insert_id()).map_err(|_| bad_column("userid"))?),
    }
}

/// Who has the id or the name; the id is looked at first.
async fn taken(session: &mut Session, new: &NewUser) -> Result<Option<CreateUser>, CallError> {
    if let Some(id) = new.id
        && let Some(holder) = holder_of_id(session, id).await?
    {
        return Ok(Some(CreateUser::IdTaken(holder)));
    }
    let holder = sqlx::query_as("SELECT id, name FROM User WHERE name_key = ?")
        .bind(new.name.key().as_str().as_bytes())
        .fetch_optional(session.connection())
        .await
        .map_err(failed("could not read a user"))?;
    Ok(holder.map(user).transpose()?.map(CreateUser::NameTaken))
}

async fn holder_of_id(session: &mut Session, id: UserId) -> Result<Option<User>, CallError> {
    let holder = sqlx::query_as("SELECT id, name FROM User WHERE id = ?")
        .bind(integer(id.get()))
        .fetch_optional(session.connection())
        .await
        .map_err(failed("could not read a user"))?;
    Ok(holder.map(user).transpose()?)
}

async fn credentials(
    session: &mut Session,
    selector: &UserSelector,
) -> Result<Option<Credentials>, CallError> {
    let query = match selector {
        UserSelector::Id(id) => {
            sqlx::query_as("SELECT id, name, password FROM User WHERE id = ?").bind(integer(id.get()))
        }
        UserSelector::Name(name) => sqlx::query_as("SELECT id, name, password FROM User WHERE name_key = ?")
            .bind(name.key().as_str().as_bytes().to_owned()),
    };
    let row: Option<(i64, String, Option<String>)> = query
        .fetch_optional(session.connection())
        .await
        .map_err(failed("could not read a user"))?;
    let Some((id, name, password)) = row else {
        return Ok(None);
    };
    Ok(Some(Credentials {
        user: user((id, name))?,
        password: password.map(PasswordHash::new),
    }))
}

async fn by_ids(session: &mut Session, ids: &[UserId]) -> Result<Vec<User>, CallError> {
    let mut users = Vec::with_capacity(ids.len());
    for chunk in chunks(ids) {
        let mut query = sqlx::query_as(READ_USERS.sql(chunk.rows()));
        for id in chunk.padded() {
            query = query.bind(integer(id.get()));
        }
        let rows: Vec<(i64, String)> = query
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not read users"))?;
        for row in rows {
            users.push(user(row)?);
        }
    }
    Ok(users)
}

async fn set_states(session: &mut Session, users: &[UserId], online: bool) -> Result<(), CallError> {
    // One statement is a transaction of its own, and a state may be written twice.
    let is_one_statement = users.len() <= ROWS;
    if is_one_statement {
        session.begin_repeatable();
    } else {
        session.begin().await?;
    }
    for chunk in chunks(users) {
        let state = if online { "online" } else { "offline" };
        let mut query = sqlx::query(STORE_STATES.sql(chunk.rows())).bind(state);
        for id in chunk.padded() {
            query = query.bind(integer(id.get()));
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not store states"))?;
    }
    if is_one_statement {
        session.end_repeatable();
        return Ok(());
    }
    session.commit().await
}

async fn online_states(
    session: &mut Session,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<UserId>, CallError> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM User WHERE state = 'online' AND id > ? ORDER BY id LIMIT ?")
            .bind(after.map_or(0, |user| integer(user.get())))
            .bind(size(limit))
            .fetch_all(session.connection())
            .await
            .map_err(failed("could not read states"))?;
    Ok(ids.into_iter().map(user_id).collect::<Result<_, _>>()?)
}
