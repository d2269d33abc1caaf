//! What a token must say.

use std::time::Duration;

use chat_core::types::{UserId, UserName};
use jsonwebtoken::Validation;
use serde_json::{Map, Value};

use super::{JwtAlgorithm, JwtError};

/// What a token must say to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtRules {
    /// The token must be for one of these (`aud`). Where there is none, a token that names an audience is refused,
    /// because it is for somebody else.
    pub audiences: Vec<String>,
    /// One of these must have made the token (`iss`). Where there is none, whoever has the key may have made it.
    pub issuers: Vec<String>,
    /// By how much the clocks of this machine and of the issuer may differ, for `exp` and `nbf`. Whole seconds count.
    pub leeway: Duration,
    /// Which claim says whose token it is.
    pub user: UserClaim,
}

impl Default for JwtRules {
    fn default() -> Self {
        Self {
            audiences: Vec::new(),
            issuers: Vec::new(),
            leeway: Duration::from_secs(30),
            user: UserClaim::Name("sub".to_owned()),
        }
    }
}

/// The claim that says whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserClaim {
    /// This claim holds the user's name in the chat. Who is not there yet is made.
    ///
    /// Names are compared without case: an issuer whose names are not must not use this.
    Name(String),
    /// This claim holds the user's id in the chat, as an integer or as its text.
    Id(String),
}

/// Whom a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtIdentity {
    /// The user of this name.
    Name(UserName),
    /// The user of this id.
    Id(UserId),
}

impl JwtRules {
    /// The rules for a key's algorithm, as the verifying crate takes them.
    pub(super) fn validation(&self, algorithm: JwtAlgorithm) -> Validation {
        let mut validation = Validation::new(algorithm.of_crate());
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if !self.audiences.is_empty() {
            validation.set_audience(&self.audiences);
            required.push("aud");
        }
        if !self.issuers.is_empty() {
            validation.set_issuer(&self.issuers);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

impl UserClaim {
    pub(super) fn of(&self, claims: &Map<String, Value>) -> Result<JwtIdentity, JwtError> {
        let (Self::Name(claim) | Self::Id(claim)) = self;
        let value = claims
            .get(claim)
            .ok_or_else(|| JwtError::MissingClaim(claim.clone()))?;
        let identity = match self {
            Self::Name(_) => value
                .as_str()
                .and_then(|name| UserName::parse(name).ok())
                .map(JwtIdentity::Name),
            Self::Id(_) => user_id(value).map(JwtIdentity::Id),
        };
        identity.ok_or_else(|| JwtError::BadUser(claim.clone()))
    }
}

fn user_id(value: &Value) -> Option<UserId> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => UserId::new(value.as_u64()?).ok(),
    }
}
