//! Session tokens.

use async_trait::async_trait;
use chat_core::ports::{StoredToken, TokenStore};
use chat_core::types::{TokenHash, UserId};
use chat_core::{BackendError, Timestamp};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use super::shapes::{Shape, chunks};
use super::users;
use crate::sql::rows::{integer, size, timestamp, user};

#[async_trait]
impl TokenStore for MySqlStore {
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError> {
        self.call(
            |mut session| async move { (put(&mut session, user, token, expires_at, keep).await, session) },
        )
        .await
    }

    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError> {
        self.call(|mut session| async move { (find(&mut session, token, now).await, session) })
            .await
    }

    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError> {
        self.call(|mut session| async move { (revoke(&mut session, token).await, session) })
            .await
    }

    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError> {
        self.call(|mut session| async move { (revoke_all(&mut session, user).await, session) })
            .await
    }

    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError> {
        self.call(|mut session| async move { (purge(&mut session, now, limit).await, session) })
            .await
    }
}

async fn put(
    session: &mut Session,
    user: UserId,
    token: TokenHash,
    expires_at: Timestamp,
    keep: usize,
) -> Result<(), CallError> {
    session.begin().await?;
    if users::lock(session, user, user).await? == 0 {
        return Err(BackendError::broken("a token of a user who does not exist").into());
    }
    sqlx::query(
        "INSERT INTO Token (hash, userid, expires_at) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE userid = VALUES(userid), expires_at = VALUES(expires_at)",
    )
    .bind(token.as_bytes().as_slice())
    .bind(integer(user.get()))
    .bind(integer(expires_at.as_millis()))
    .execute(session.connection())
    .await
    .map_err(failed("could not store a token"))?;
    forget_oldest(session, user, keep).await?;
    session.commit().await
}

/// Tokens by their hashes.
const FORGET: Shape = Shape {
    head: "DELETE FROM Token WHERE hash IN (",
    row: "?",
    between: ", ",
    tail: ")",
};

/// Forgets a user's tokens beyond `keep`, those that end first.
async fn forget_oldest(session: &mut Session, user: UserId, keep: usize) -> Result<(), CallError> {
    let mut forgotten: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT hash FROM Token FORCE INDEX (token_by_user) WHERE userid = ?
          ORDER BY expires_at DESC, hash DESC LIMIT ? OFFSET ?",
    )
    .bind(integer(user.get()))
    .bind(i64::MAX)
    .bind(size(keep))
    .fetch_all(session.connection())
    .await
    .map_err(failed("could not read tokens"))?;
    forgotten.sort_unstable();
    for chunk in chunks(&forgotten) {
        let mut query = sqlx::query(FORGET.sql(chunk.rows()));
        for hash in chunk.padded() {
            query = query.bind(hash.as_slice());
        }
        query
            .execute(session.connection())
            .await
            .map_err(failed("could not forget tokens"))?;
    }
    Ok(())
}

async fn find(
    session: &mut Session,
    token: TokenHash,
    now: Timestamp,
) -> Result<Option<StoredToken>, CallError> {
    let row: Option<(i64, String, i64)> = sqlx::query_as(
        "SELECT u.id, u.name, t.expires_at FROM Token t JOIN User u ON u.id = t.userid
          WHERE t.hash = ? AND t.expires_at > ?",
    )
    .bind(token.as_bytes().as_slice())
    .bind(integer(now.as_millis()))
    .fetch_optional(session.connection())
    .await
    .map_err(failed("could not read a token"))?;
    let Some((id, name, expires_at)) = row else {
        return Ok(None);
    };
    Ok(Some(StoredToken {
        user: user((id, name))?,
        expires_at: timestamp(expires_at)?,
    }))
}

async fn revoke(session: &mut Session, token: TokenHash) -> Result<(), CallError> {
    session.begin().await?;
    sqlx::query("DELETE FROM Token WHERE hash = ?")
        .bind(token.as_bytes().as_slice())
        .execute(session.connection())
        .await
        .map_err(failed("could not forget a token"))?;
    session.commit().await
}

async fn revoke_all(session: &mut Session, user: UserId) -> Result<(), CallError> {
    session.begin().await?;
    sqlx::query("DELETE FROM Token WHERE userid = ?")
        .bind(integer(user.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not forget tokens"))?;
    session.commit().await
}

async fn purge(session: &mut Session, now: Timestamp, limit: usize) -> Result<usize, CallError> {
    session.begin().await?;
    let purged = sqlx::query("DELETE FROM Token WHERE expires_at <= ? ORDER BY expires_at LIMIT ?")
        .bind(integer(now.as_millis()))
        .bind(size(limit))
        .execute(session.connection())
        .await
        .map_err(failed("could not forget tokens"))?;
    session.commit().await?;
    Ok(usize::try_from(purged.rows_affected()).unwrap_or(limit))
}
