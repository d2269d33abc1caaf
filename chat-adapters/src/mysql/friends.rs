//! Friendships.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{AddFriend, FriendStore, RemoveFriend};
use chat_core::types::{User, UserId};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use super::users;
use crate::sql::from_row;
use crate::sql::rows::{integer, size, user};

/// What decides whether two users can become friends.
struct Before {
    are_friends: bool,
    most_friends: i64,
}

from_row!(Before {
    are_friends,
    most_friends
});

#[async_trait]
impl FriendStore for MySqlStore {
    async fn add_friend(
        &self,
        user: UserId,
        friend: UserId,
        limit: usize,
    ) -> Result<AddFriend, BackendError> {
        self.call(|mut session| async move { (add(&mut session, user, friend, limit).await, session) })
            .await
    }

    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError> {
        self.call(|mut session| async move { (remove(&mut session, user, friend).await, session) })
            .await
    }

    async fn friends(&self, of: UserId) -> Result<Vec<User>, BackendError> {
        self.call(|mut session| async move { (friends(&mut session, of).await, session) })
            .await
    }
}

async fn add(
    session: &mut Session,
    user: UserId,
    friend: UserId,
    limit: usize,
) -> Result<AddFriend, CallError> {
    session.begin().await?;
    let users = if user == friend { 1 } else { 2 };
    if users::lock(session, user, friend).await? < users {
        return Ok(AddFriend::NoSuchUser);
    }
    let (one, other) = (integer(user.get()), integer(friend.get()));
    let before: Before = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM Friend WHERE userid = ? AND friendid = ?) AS are_friends,
                GREATEST((SELECT COUNT(*) FROM Friend WHERE userid = ?),
                         (SELECT COUNT(*) FROM Friend WHERE userid = ?)) AS most_friends",
    )
    .bind(one)
    .bind(other)
    .bind(one)
    .bind(other)
    .fetch_one(session.connection())
    .await
    .map_err(failed("could not read friends"))?;
    if before.are_friends {
        return Ok(AddFriend::AlreadyFriends);
    }
    if before.most_friends >= size(limit) {
        return Ok(AddFriend::TooMany);
    }
    sqlx::query(
        "INSERT INTO Friend (userid, friendid) VALUES (?, ?), (?, ?)
         ON DUPLICATE KEY UPDATE friendid = VALUES(friendid)",
    )
    .bind(one)
    .bind(other)
    .bind(other)
    .bind(one)
    .execute(session.connection())
    .await
    .map_err(failed("could not store friends"))?;
    session.commit().await?;
    Ok(AddFriend::Added)
}

async fn remove(session: &mut Session, user: UserId, friend: UserId) -> Result<RemoveFriend, CallError> {
    let (one, other) = (integer(user.get()), integer(friend.get()));
    session.begin().await?;
    users::lock(session, user, friend).await?;
    let removed = sqlx::query(
        "DELETE FROM Friend WHERE (userid = ? AND friendid = ?) OR (userid = ? AND friendid = ?)",
    )
    .bind(one)
    .bind(other)
    .bind(other)
    .bind(one)
    .execute(session.connection())
    .await
    .map_err(failed("could not remove friends"))?;
    if removed.rows_affected() == 0 {
        return Ok(RemoveFriend::WereNotFriends);
    }
    session.commit().await?;
    Ok(RemoveFriend::Removed)
}

async fn friends(session: &mut Session, of: UserId) -> Result<Vec<User>, CallError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT u.id, u.name FROM Friend f JOIN User u ON u.id = f.friendid
          WHERE f.userid = ? ORDER BY f.friendid",
    )
    .bind(integer(of.get()))
    .fetch_all(session.connection())
    .await
    .map_err(failed("could not read friends"))?;
    Ok(rows.into_iter().map(user).collect::<Result<_, _>>()?)
}
