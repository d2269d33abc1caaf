//! Friendships.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{AddFriend, FriendStore, RemoveFriend};
use chat_core::types::{User, UserId};

use super::SqliteStore;
use super::error::failed;
use super::rows::{integer, size, user};
use crate::sql::from_row;

/// What decides whether two users can become friends.
struct Before {
    users: i64,
    are_friends: bool,
    most_friends: i64,
}

from_row!(Before {
    users,
    are_friends,
    most_friends
});

#[async_trait]
impl FriendStore for SqliteStore {
    async fn add_friend(
        &self,
        user: UserId,
        friend: UserId,
        limit: usize,
    ) -> Result<AddFriend, BackendError> {
        let mut transaction = self.begin().await?;
        let before: Before = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM User WHERE id IN (?1, ?2)) AS users,
                    EXISTS (SELECT 1 FROM Friend WHERE userid = ?1 AND friendid = ?2) AS are_friends,
                    MAX((SELECT COUNT(*) FROM Friend WHERE userid = ?1),
                        (SELECT COUNT(*) FROM Friend WHERE userid = ?2)) AS most_friends",
        )
        .bind(integer(user.get()))
        .bind(integer(friend.get()))
        .fetch_one(transaction.connection())
        .await
        .map_err(failed("could not read friends"))?;
        let users = if user == friend { 1 } else { 2 };
        if before.users < users {
            return Ok(AddFriend::NoSuchUser);
        }
        if before.are_friends {
            return Ok(AddFriend::AlreadyFriends);
        }
        if before.most_friends >= size(limit) {
            return Ok(AddFriend::TooMany);
        }
        sqlx::query("INSERT INTO Friend (userid, friendid) SELECT ?1, ?2 UNION SELECT ?2, ?1")
            .bind(integer(user.get()))
            .bind(integer(friend.get()))
            .execute(transaction.connection())
            .await
            .map_err(failed("could not store friends"))?;
        transaction.commit().await?;
        Ok(AddFriend::Added)
    }

    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError> {
        let mut transaction = self.begin().await?;
        let removed = sqlx::query(
            "DELETE FROM Friend WHERE (userid = ?1 AND friendid = ?2) OR (userid = ?2 AND friendid = ?1)",
        )
        .bind(integer(user.get()))
        .bind(integer(friend.get()))
        .execute(transaction.connection())
        .await
        .map_err(failed("could not remove friends"))?;
        if removed.rows_affected() == 0 {
            return Ok(RemoveFriend::WereNotFriends);
        }
        transaction.commit().await?;
        Ok(RemoveFriend::Removed)
    }

    async fn friends(&self, of: UserId) -> Result<Vec<User>, BackendError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT u.id, u.name FROM Friend f JOIN User u ON u.id = f.friendid
              WHERE f.userid = ?1 ORDER BY f.friendid",
        )
        .bind(integer(of.get()))
        .fetch_all(&self.readers)
        .await
        .map_err(failed("could not read friends"))?;
        rows.into_iter().map(user).collect()
    }
}
