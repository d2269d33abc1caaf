//! Friendships in memory.

use async_trait::async_trait;

use super::MemoryStore;
use super::store::State;
use crate::error::BackendError;
use crate::ports::{AddFriend, FriendStore, RemoveFriend};
use crate::types::{User, UserId};

#[async_trait]
impl FriendStore for MemoryStore {
    async fn add_friend(
        &self,
        user: UserId,
        friend: UserId,
        limit: usize,
    ) -> Result<AddFriend, BackendError> {
        let mut state = self.state();
        let (Some(one), Some(other)) = (state.user(user), state.user(friend)) else {
            return Ok(AddFriend::NoSuchUser);
        };
        if one.friends.contains(&friend) {
            return Ok(AddFriend::AlreadyFriends);
        }
        if one.friends.len() >= limit || other.friends.len() >= limit {
            return Ok(AddFriend::TooMany);
        }
        for (row, friend) in [(user, friend), (friend, user)] {
            if let Some(row) = state.user_mut(row) {
                row.friends.insert(friend);
            }
        }
        Ok(AddFriend::Added)
    }

    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError> {
        let mut state = self.state();
        let mut removed = false;
        for (row, friend) in [(user, friend), (friend, user)] {
            if let Some(row) = state.user_mut(row) {
                removed |= row.friends.remove(&friend);
            }
        }
        Ok(if removed {
            RemoveFriend::Removed
        } else {
            RemoveFriend::WereNotFriends
        })
    }

    async fn friends(&self, user: UserId) -> Result<Vec<User>, BackendError> {
        Ok(self.state().friends(user))
    }
}

impl State {
    /// By ascending id.
    pub(super) fn friends(&self, user: UserId) -> Vec<User> {
        let friends = self.user(user).into_iter().flat_map(|row| &row.friends);
        let friends = friends.filter_map(|id| self.user(*id));
        friends.map(|row| row.user.clone()).collect()
    }
}
