//! Session tokens.

use async_trait::async_trait;
use chat_core::ports::{StoredToken, TokenStore};
use chat_core::types::{TokenHash, UserId};
use chat_core::{BackendError, Timestamp};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;

#[async_trait]
impl TokenStore for RemoteStore {
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError> {
        let request = (user, token, expires_at, keep).to_wire();
        self.call(&methods::put_token, request).await
    }

    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError> {
        self.call(&methods::token, (token, now).to_wire()).await
    }

    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError> {
        self.call(&methods::revoke_token, token.to_wire()).await
    }

    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError> {
        self.call(&methods::revoke_tokens, user.to_wire()).await
    }

    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError> {
        self.call(&methods::purge_tokens, (now, limit).to_wire()).await
    }
}
