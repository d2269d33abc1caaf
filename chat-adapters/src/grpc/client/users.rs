//! Accounts.

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateUser, Credentials, NewUser, UserSelector, UserStore};
use chat_core::types::{User, UserId};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;

#[async_trait]
impl UserStore for RemoteStore {
    async fn create_user(&self, user: &NewUser) -> Result<CreateUser, BackendError> {
        self.call(&methods::create_user, user.to_wire()).await
    }

    async fn credentials(&self, user: &UserSelector) -> Result<Option<Credentials>, BackendError> {
        self.call(&methods::credentials, user.to_wire()).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError> {
        self.call(&methods::users, ids.to_vec().to_wire()).await
    }

    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError> {
        let request = (users.to_vec(), online).to_wire();
        self.call(&methods::set_states, request).await
    }

    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.call(&methods::online_states, (after, limit).to_wire()).await
    }
}
