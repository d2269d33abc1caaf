//! Session tokens in memory.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{StoredToken, TokenStore};
use crate::types::{TokenHash, UserId};

/// All tokens, found by hash, by user and by end.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    by_hash: HashMap<TokenHash, (UserId, Timestamp)>,
    by_user: HashMap<UserId, BTreeSet<(Timestamp, TokenHash)>>,
    by_end: BTreeSet<(Timestamp, TokenHash)>,
}

impl Tokens {
    fn put(&mut self, user: UserId, token: TokenHash, expires_at: Timestamp) {
        self.remove(token);
        self.by_hash.insert(token, (user, expires_at));
        self.by_user.entry(user).or_default().insert((expires_at, token));
        self.by_end.insert((expires_at, token));
    }

    fn remove(&mut self, token: TokenHash) {
        let Some((user, expires_at)) = self.by_hash.remove(&token) else {
            return;
        };
        self.by_end.remove(&(expires_at, token));
        if let Some(own) = self.by_user.get_mut(&user) {
            own.remove(&(expires_at, token));
            if own.is_empty() {
                self.by_user.remove(&user);
            }
        }
    }

    /// A user's tokens, those that end first first.
    fn of(&self, user: UserId) -> impl ExactSizeIterator<Item = TokenHash> {
        static NONE: BTreeSet<(Timestamp, TokenHash)> = BTreeSet::new();
        self.by_user
            .get(&user)
            .unwrap_or(&NONE)
            .iter()
            .map(|(_, token)| *token)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError> {
        let mut state = self.state();
        if state.user(user).is_none() {
            return Err(BackendError::broken("a token of a user who does not exist"));
        }
        let tokens = &mut state.tokens;
        tokens.put(user, token, expires_at);
        let all = tokens.of(user);
        let surplus = all.len().saturating_sub(keep);
        let oldest: Vec<TokenHash> = all.take(surplus).collect();
        for token in oldest {
            tokens.remove(token);
        }
        Ok(())
    }

    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError> {
        let state = self.state();
        let found = state.tokens.by_hash.get(&token);
        let valid = found.filter(|(_, expires_at)| *expires_at > now);
        Ok(valid.and_then(|(user, expires_at)| {
            Some(StoredToken {
                user: state.user(*user)?.user.clone(),
                expires_at: *expires_at,
            })
        }))
    }

    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError> {
        self.state().tokens.remove(token);
        Ok(())
    }

    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError> {
        let tokens = &mut self.state().tokens;
        let all: Vec<TokenHash> = tokens.of(user).collect();
        for token in all {
            tokens.remove(token);
        }
        Ok(())
    }

    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError> {
        let tokens = &mut self.state().tokens;
        let over = tokens.by_end.iter().take_while(|(ends, _)| *ends <= now);
        let over: Vec<TokenHash> = over.take(limit).map(|(_, token)| *token).collect();
        for token in &over {
            tokens.remove(*token);
        }
        Ok(over.len())
    }
}
