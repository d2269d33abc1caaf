//! Secrets: none of these types shows its content in `Debug`, and none implements `Display`.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{InvalidValue, deserialize_from_str};

const PASSWORD: &str = "a password of 8 to 128 bytes";
const GIVEN_PASSWORD: &str = "a password of 1 to 256 bytes";
const TOKEN: &str = "a token as the server gave it";

/// A password as its user typed it: of 8–128 bytes where it is set, and of up to 256 where it is
/// given to prove who one is.
#[derive(Clone)]
pub struct Password(Box<str>);

impl Password {
    /// Checks a password that is to be set.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 8–128 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if !(8..=128).contains(&text.len()) {
            return Err(InvalidValue::new(PASSWORD));
        }
        Ok(Self(text.into()))
    }

    /// Takes a password that is given for an account. It may be one that could not be set today,
    /// since accounts that come from elsewhere keep their passwords.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 1–256 bytes.
    pub fn given(text: &str) -> Result<Self, InvalidValue> {
        if !(1..=256).contains(&text.len()) {
            return Err(InvalidValue::new(GIVEN_PASSWORD));
        }
        Ok(Self(text.into()))
    }

    /// The secret itself, for hashing and for a client that has to send it.
    pub const fn reveal(&self) -> &str {
        &self.0
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&self.0)
    }
}

deserialize_from_str!(Password, PASSWORD);

/// A [`Password`] in a request that gives it to prove who one is.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct GivenPassword(pub(crate) Password);

impl GivenPassword {
    fn parse(text: &str) -> Result<Self, InvalidValue> {
        Password::given(text).map(Self)
    }
}

deserialize_from_str!(GivenPassword, GIVEN_PASSWORD);

/// An Argon2id hash in PHC string form, as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Takes a PHC string; it is checked when a password is verified against it.
    pub fn new(phc: impl Into<Box<str>>) -> Self {
        Self(phc.into())
    }

    /// The PHC string, for the store.
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session token: 256 random bits as 64 hexadecimal digits. Whoever holds it is logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Makes a new token.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        ))
    }

    /// Checks the length only: a token of another form is simply not a known one.
    ///
    /// # Errors
    /// [`InvalidValue`] where it is empty or longer than 256 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if !(1..=256).contains(&text.len()) {
            return Err(InvalidValue::new(TOKEN));
        }
        Ok(Self(text.into()))
    }

    /// The secret itself, for the client that owns it.
    pub const fn reveal(&self) -> &str {
        &self.0
    }

    /// What the store keeps in its place. SHA-256 suffices, because a token cannot be guessed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&self.0)
    }
}

deserialize_from_str!(Token, TOKEN);

/// The SHA-256 of a token, the only form in which the store knows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Takes the 32 bytes that a store kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Shows only the name of a type that holds a secret.
macro_rules! redacted_debug {
    ($($type:ident),+) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }
    )+};
}
redacted_debug!(Password, PasswordHash, Token, TokenHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Password::parse("correct horse").unwrap(),
            Token::parse("deadbeef").unwrap(),
            PasswordHash::new("$argon2id$x"),
        );
        for secret in ["horse", "deadbeef", "argon2id"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_password_that_is_given_may_be_one_that_cannot_be_set() {
        for (length, can_be_set, can_be_given) in [
            (0, false, false),
            (1, false, true),
            (7, false, true),
            (8, true, true),
            (128, true, true),
            (129, false, true),
            (256, false, true),
            (257, false, false),
        ] {
            let text = "x".repeat(length);
            assert_eq!(Password::parse(&text).is_ok(), can_be_set, "{length}");
            assert_eq!(Password::given(&text).is_ok(), can_be_given, "{length}");
        }
    }

    #[test]
    fn tokens_are_long_random_and_hashed() {
        let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), Token::parse(one.reveal()).unwrap().hash());
    }
}
