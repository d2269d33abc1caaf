//! Verifying tokens, by keys that may change meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chat_core::types::UserId;
use chat_core::{Chat, Timestamp};
use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::{decode, decode_header};
use serde_json::{Map, Value};

use super::key_set::KeySet;
use super::{JwtError, JwtIdentity, JwtKey, JwtKeyError, JwtRules, jwks};

/// Longer tokens are refused unread.
pub(super) const MAX_TOKEN: usize = 8_192;

/// Tells whom a token speaks for. One serves all requests; `Debug` shows no key.
#[derive(Debug)]
pub struct JwtVerifier {
    keys: RwLock<Arc<KeySet>>,
    rules: JwtRules,
    file: Option<PathBuf>,
}

/// What a token says that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whom it speaks for.
    pub identity: JwtIdentity,
    /// When it ends. Sessions that were begun with it go on after that, unless the application ends them.
    pub expires_at: Timestamp,
}

impl JwtVerifier {
    /// Verifies by these keys.
    ///
    /// # Errors
    /// [`JwtKeyError`] where there is no key, or they cannot be told apart.
    pub fn new(keys: Vec<JwtKey>, rules: JwtRules) -> Result<Self, JwtKeyError> {
        Self::of(KeySet::new(keys)?, rules, None)
    }

    /// Verifies by the keys of a file, a JSON Web Key Set. Of its keys those for HS256, RS256 and ES256 are taken.
    ///
    /// The file is read again by [`reload`](Self::reload), and by [`watch`](Self::watch) when it has changed.
    ///
    /// # Errors
    /// [`JwtKeyError`] where the file cannot be read or used.
    pub async fn open(path: impl Into<PathBuf>, rules: JwtRules) -> Result<Self, JwtKeyError> {
        let path = path.into();
        Self::of(jwks::read(&path).await?, rules, Some(path))
    }

    fn of(keys: KeySet, rules: JwtRules, file: Option<PathBuf>) -> Result<Self, JwtKeyError> {
        // Without it the crate would panic when it verifies.
        CryptoProvider::try_get_default().ok_or(JwtKeyError::NoCryptography)?;
        Ok(Self {
            keys: RwLock::new(Arc::new(keys)),
            rules,
            file,
        })
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`JwtError`], which says why it is refused.
    pub fn verify(&self, token: &str) -> Result<Verified, JwtError> {
        if token.len() > MAX_TOKEN {
            return Err(JwtError::TooLong);
        }
        let header = decode_header(token).map_err(|error| JwtError::of(&error))?;
        let keys = self.keys();
        let key = keys.key_of(&header)?;
        let validation = self.rules.validation(key.algorithm);
        let token = decode::<Map<String, Value>>(token, &key.key, &validation);
        let claims = token.map_err(|error| JwtError::of(&error))?.claims;
        Ok(Verified {
            identity: self.rules.user.of(&claims)?,
            expires_at: end_of(&claims)?,
        })
    }

    /// Verifies a token, and answers the id of its user, with which `Chat::session` or `Chat::accept_as` goes on. A user
    /// who is known by name and is not there yet is made; whether an id is that of a user is found out there.
    ///
    /// # Errors
    /// `invalid_credentials` for a token that is refused, `unavailable` where the store cannot be reached.
    pub async fn sign_in(&self, chat: &Chat, token: &str) -> Result<UserId, chat_core::Error> {
        match self.verify(token)?.identity {
            JwtIdentity::Name(name) => Ok(chat.ensure_user(name).await?.id),
            JwtIdentity::Id(id) => Ok(id),
        }
    }

    /// Reads the file of keys again. Tokens are verified by the new keys from then on; where the file cannot be used,
    /// the keys stay as they are.
    ///
    /// # Errors
    /// [`JwtKeyError`] where the file cannot be read or used, or there is none.
    pub async fn reload(&self) -> Result<(), JwtKeyError> {
        let path = self.file.as_ref().ok_or(JwtKeyError::NoFile)?;
        let keys = Arc::new(jwks::read(path).await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Reads the file of keys again each time this long has passed, for ever: run it beside the server, and drop it to
    /// end it. What is wrong with the file is a warning in the log, once until it is right again.
    pub async fn watch(&self, every: Duration) {
        let mut was_right = true;
        loop {
            tokio::time::sleep(every).await;
            let result = self.reload().await;
            if let Err(error) = &result
                && was_right
            {
                let path = self.file.as_deref().map(Path::display);
                let error = chat_core::chain(error);
                tracing::warn!(
                    path = path.map(tracing::field::display),
                    error,
                    "keys of tokens stay as they were"
                );
            }
            was_right = result.is_ok();
        }
    }

    fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When a token ends, which the verifying crate has found to be a time.
fn end_of(claims: &Map<String, Value>) -> Result<Timestamp, JwtError> {
    let end = claims.get("exp").and_then(Value::as_f64);
    let end = end.ok_or_else(|| JwtError::MissingClaim("exp".to_owned()))?;
    // Whoever names a later time than there are means that it never ends.
    let end = Duration::try_from_secs_f64(end).unwrap_or(Duration::MAX);
    Ok(Timestamp::default().after(end))
}
