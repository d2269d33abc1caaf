//! The port for session tokens.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::types::{TokenHash, User, UserId};

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Whose it is.
    pub user: User,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Session tokens, known only by their hashes.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a token, and forgets the user's oldest (those that end first) beyond `keep` tokens.
    ///
    /// Atomic. Safe to repeat.
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError>;

    /// Finds a token that ends after `now`; `None` where it is unknown, revoked or over.
    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError>;

    /// Forgets a token. Safe to repeat.
    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError>;

    /// Forgets all of a user's tokens. Safe to repeat.
    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError>;

    /// Forgets at most `limit` tokens that ended at or before `now`, and says how many.
    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError>;
}
