//! What the event log holds of accounts: ids, and of names at most a hash.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::node::Node;
use crate::operation::NamesInLog;
use crate::ports::Level;
use crate::protocol::LoginProof;
use crate::types::{User, UserName};

/// Of the 32 bytes of a hash, as many as are shown.
const HASH_BYTES: usize = 8;

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginMethod {
    /// By their password.
    Password,
    /// By a token that an earlier login gave.
    Token,
    /// The host application has authenticated them.
    Host,
}

impl LoginMethod {
    pub(super) const fn of(proof: &LoginProof) -> Self {
        match proof {
            LoginProof::Password { .. } => Self::Password,
            LoginProof::Token(_) => Self::Token,
        }
    }

    /// The method in one word, as in the event log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Host => "host",
        }
    }
}

pub(super) fn user_registered(node: &Node, user: &User) {
    let fields = [
        ("user", user.id.get().into()),
        ("name_hash", name_hash(node, Some(&user.name))),
    ];
    node.journal.record(Level::Info, "user_registered", fields);
}

pub(super) fn logged_in(node: &Node, user: &User, method: LoginMethod) {
    let fields = [("user", user.id.get().into()), ("method", method.as_str().into())];
    node.journal.record(Level::Info, "logged_in", fields);
}

/// `name` is that of the account, or the one that was tried, where either is known.
pub(super) fn login_failed(node: &Node, method: LoginMethod, name: Option<&UserName>) {
    let fields = [
        ("method", method.as_str().into()),
        ("name_hash", name_hash(node, name)),
    ];
    node.journal.record(Level::Info, "login_failed", fields);
}

fn name_hash(node: &Node, name: Option<&UserName>) -> Value {
    match (node.names_in_log, name) {
        (NamesInLog::Hashed, Some(name)) => hash(name).into(),
        (NamesInLog::Omitted, _) | (_, None) => Value::Null,
    }
}

fn hash(name: &UserName) -> String {
    let digest = Sha256::digest(name.key().as_str().as_bytes());
    let mut digits = String::with_capacity(2 * HASH_BYTES);
    for byte in digest.iter().take(HASH_BYTES) {
        // Writing into a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_count_as_the_same_have_one_hash_of_16_digits() {
        let hash = |name: &str| hash(&UserName::parse(name).unwrap());
        // `printf alice | sha256sum`
        assert_eq!(hash("Alice"), "2bd806c97f0e00af");
        assert_eq!(hash("aLICE"), hash("alice"));
        assert_ne!(hash("alice"), hash("alicia"));
    }
}
