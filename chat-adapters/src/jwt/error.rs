//! Why a token or a key is refused.

use chat_core::{Error, ErrorCode};
use jsonwebtoken::errors::ErrorKind;

/// Why a token is refused, for the application's log. No text holds any part of the token.
///
/// Users learn none of it: as a [`chat_core::Error`] all are `invalid_credentials` with one text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// It is longer than any token that makes sense.
    #[error("the token is longer than {} bytes", super::verifier::MAX_TOKEN)]
    TooLong,
    /// It has not the form of a signed token, or says something in a form that nobody can read.
    #[error("the token has not the form of a signed token")]
    Malformed,
    /// No key has the id that it names, or it names none and more than one key could be meant.
    #[error("no key is known for the token")]
    UnknownKey,
    /// Its key is not made for the algorithm that it names.
    #[error("the token names another algorithm than its key is made for")]
    WrongAlgorithm,
    /// Its signature is not that of its key.
    #[error("the token is not signed by its key")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// Somebody else made it.
    #[error("the token comes from another issuer")]
    WrongIssuer,
    /// It lacks a claim that it must have.
    #[error("the token has no claim `{0}`")]
    MissingClaim(String),
    /// The claim that names its user does not hold what can be a user's name or id.
    #[error("the claim `{0}` of the token names no user")]
    BadUser(String),
}

impl JwtError {
    /// What the verifying crate says, in our words.
    pub(super) fn of(error: &jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Self::WrongAlgorithm,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::MissingRequiredClaim(claim) => Self::MissingClaim(claim.clone()),
            _ => Self::Malformed,
        }
    }
}

impl From<JwtError> for Error {
    fn from(_: JwtError) -> Self {
        Self::new(ErrorCode::InvalidCredentials, "the token is not valid")
    }
}

/// Why keys cannot be used. No text holds any part of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtKeyError {
    /// The file cannot be read.
    #[error("cannot read the file of keys")]
    Unreadable(#[source] std::io::Error),
    /// The file is larger than any set of keys that makes sense.
    #[error("the file of keys is larger than {} bytes", super::jwks::MAX_FILE)]
    TooLarge,
    /// The file is no JSON Web Key Set.
    #[error("the file of keys is no JSON Web Key Set")]
    NotAKeySet,
    /// The verifier was made of keys, and has no file.
    #[error("the verifier has no file of keys")]
    NoFile,
    /// There is no key, or none for HS256, RS256 or ES256.
    #[error("there is no key for HS256, RS256 or ES256")]
    NoKey,
    /// There are more keys than make sense.
    #[error("there are more than {} keys", super::key_set::MAX_KEYS)]
    TooManyKeys,
    /// Two keys have one id, or two keys for one algorithm have none.
    #[error("two keys cannot be told apart: give each an id (`kid`) of its own")]
    Ambiguous,
    /// A secret of fewer than 32 bytes, or an RSA key of fewer than 2,048 bits.
    #[error("a key for {0} is too short to be safe")]
    TooShort(super::JwtAlgorithm),
    /// It is no key for this algorithm.
    #[error("this is no key for {0}")]
    Unfit(super::JwtAlgorithm),
    /// The application's build lacks the cryptography that verifies tokens, or has two kinds of it.
    #[error(
        "the cryptography behind tokens is missing: another crate changed the features of `jsonwebtoken`"
    )]
    NoCryptography,
}
