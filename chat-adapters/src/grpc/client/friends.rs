//! Friendships.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{AddFriend, FriendStore, RemoveFriend};
use chat_core::types::{User, UserId};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;

#[async_trait]
impl FriendStore for RemoteStore {
    async fn add_friend(
        &self,
        user: UserId,
        friend: UserId,
        limit: usize,
    ) -> Result<AddFriend, BackendError> {
        let request = (user, friend, limit).to_wire();
        self.call(&methods::add_friend, request).await
    }

    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError> {
        self.call(&methods::remove_friend, (user, friend).to_wire()).await
    }

    async fn friends(&self, user: UserId) -> Result<Vec<User>, BackendError> {
        self.call(&methods::friends, user.to_wire()).await
    }
}
