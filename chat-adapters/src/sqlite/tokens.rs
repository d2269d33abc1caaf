//! Session tokens.

use async_trait::async_trait;
use chat_core::ports::{StoredToken, TokenStore};
use chat_core::types::{TokenHash, UserId};
use chat_core::{BackendError, Timestamp};

use super::SqliteStore;
use super::error::failed;
use super::rows::{integer, size, timestamp, user};

#[async_trait]
impl TokenStore for SqliteStore {
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO Token (hash, userid, expires_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (hash) DO UPDATE SET userid = excluded.userid, expires_at = excluded.expires_at",
        )
        .bind(token.as_bytes().as_slice())
        .bind(integer(user.get()))
        .bind(integer(expires_at.as_millis()))
        .execute(transaction.connection())
        .await
        .map_err(failed("could not store a token"))?;
        sqlx::query(
            "DELETE FROM Token WHERE hash IN
                 (SELECT hash FROM Token WHERE userid = ?1 ORDER BY expires_at DESC, hash DESC LIMIT -1 OFFSET ?2)",
        )
        .bind(integer(user.get()))
        .bind(size(keep))
        .execute(transaction.connection())
        .await
        .map_err(failed("could not forget tokens"))?;
        transaction.commit().await
    }

    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError> {
        let row: Option<(i64, String, i64)> = sqlx::query_as(
            "SELECT u.id, u.name, t.expires_at FROM Token t JOIN User u ON u.id = t.userid
              WHERE t.hash = ?1 AND t.expires_at > ?2",
        )
        .bind(token.as_bytes().as_slice())
        .bind(integer(now.as_millis()))
        .fetch_optional(&self.readers)
        .await
        .map_err(failed("could not read a token"))?;
        row.map(|(id, name, expires_at)| {
            Ok(StoredToken {
                user: user((id, name))?,
                expires_at: timestamp(expires_at)?,
            })
        })
        .transpose()
    }

    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM Token WHERE hash = ?1")
            .bind(token.as_bytes().as_slice())
            .execute(transaction.connection())
            .await
            .map_err(failed("could not forget a token"))?;
        transaction.commit().await
    }

    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM Token WHERE userid = ?1")
            .bind(integer(user.get()))
            .execute(transaction.connection())
            .await
            .map_err(failed("could not forget tokens"))?;
        transaction.commit().await
    }

    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError> {
        let mut transaction = self.begin().await?;
        let purged = sqlx::query(
            "DELETE FROM Token WHERE hash IN
                 (SELECT hash FROM Token WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )
        .bind(integer(now.as_millis()))
        .bind(size(limit))
        .execute(transaction.connection())
        .await
        .map_err(failed("could not forget tokens"))?;
        transaction.commit().await?;
        Ok(usize::try_from(purged.rows_affected()).unwrap_or(limit))
    }
}
