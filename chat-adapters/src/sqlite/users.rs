//! Accounts.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateUser, Credentials, NewUser, UserSelector, UserStore};
use chat_core::types::{PasswordHash, User, UserId};

use super::SqliteStore;
use super::error::{commit_failed, failed};
use super::rows::{integer, json, size, user, user_id};

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(&self, new: &NewUser) -> Result<CreateUser, BackendError> {
        let key = new.name.key();
        let mut transaction = self.begin().await?;
        if let Some(id) = new.id {
            let holder = sqlx::query_as("SELECT id, name FROM User WHERE id = ?1")
                .bind(integer(id.get()))
                .fetch_optional(transaction.connection())
                .await
                .map_err(failed("could not read a user"))?;
            if let Some(holder) = holder {
                return Ok(CreateUser::IdTaken(user(holder)?));
            }
        }
        // SQLite chooses the id where it is NULL.
        let made: Option<(i64, String)> = sqlx::query_as(
            "INSERT INTO User (id, name, password, name_key) VALUES (?4, ?1, ?2, ?3)
             ON CONFLICT (name_key) DO NOTHING RETURNING id, name",
        )
        .bind(new.name.as_str())
        .bind(new.password.as_ref().map(PasswordHash::as_str))
        .bind(key.as_str())
        .bind(new.id.map(|id| integer(id.get())))
        .fetch_optional(transaction.connection())
        .await
        .map_err(failed("could not store a user"))?;
        if let Some(row) = made {
            transaction.commit().await?;
            return Ok(CreateUser::Created(user(row)?));
        }
        let existing = sqlx::query_as("SELECT id, name FROM User WHERE name_key = ?1")
            .bind(key.as_str())
            .fetch_one(transaction.connection())
            .await
            .map_err(failed("could not read a user"))?;
        Ok(CreateUser::NameTaken(user(existing)?))
    }

    async fn credentials(&self, selector: &UserSelector) -> Result<Option<Credentials>, BackendError> {
        let query = match selector {
            UserSelector::Id(id) => {
                sqlx::query_as("SELECT id, name, password FROM User WHERE id = ?1").bind(integer(id.get()))
            }
            UserSelector::Name(name) => {
                sqlx::query_as("SELECT id, name, password FROM User WHERE name_key = ?1")
                    .bind(name.key().as_str().to_owned())
            }
        };
        let row: Option<(i64, String, Option<String>)> = query
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("could not read a user"))?;
        row.map(|(id, name, password)| {
            Ok(Credentials {
                user: user((id, name))?,
                password: password.map(PasswordHash::new),
            })
        })
        .transpose()
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, name FROM User WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id",
        )
        .bind(json(ids)?)
        .fetch_all(&self.readers)
        .await
        .map_err(failed("could not read users"))?;
        rows.into_iter().map(user).collect()
    }

    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError> {
        if users.is_empty() {
            return Ok(());
        }
        // One statement, which is a transaction of its own.
        sqlx::query(
            "UPDATE User SET state = ?1
              WHERE id IN (SELECT value FROM json_each(?2)) AND state <> ?1",
        )
        .bind(if online { "online" } else { "offline" })
        .bind(json(users)?)
        .execute(&self.writer)
        .await
        .map_err(commit_failed("could not store states"))?;
        Ok(())
    }

    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM User WHERE state = 'online' AND id > ?1 ORDER BY id LIMIT ?2")
                .bind(after.map_or(0, |user| integer(user.get())))
                .bind(size(limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed("could not read states"))?;
        ids.into_iter().map(user_id).collect()
    }
}
