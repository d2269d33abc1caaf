//! Identifiers: newtypes that can only hold what the protocol allows.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::{InvalidValue, deserialize_from_str};

/// The largest integer of the protocol, 2^53 − 1: every JSON implementation holds it exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Defines a positive 53-bit integer identifier.
macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident, $min:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Checks the range.
            ///
            /// # Errors
            /// [`InvalidValue`] outside the protocol's range.
            pub const fn new(value: u64) -> Result<Self, InvalidValue> {
                if !matches!(value, $min..=MAX_INTEGER) {
                    return Err(InvalidValue::new($expected));
                }
                Ok(Self(value))
            }

            /// The plain integer.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                // Only the canonical form, so that one id has one spelling ("+7" and "07" are none).
                if text.starts_with('+') || (text.len() > 1 && text.starts_with('0')) {
                    return Err(InvalidValue::new($expected));
                }
                let value = text.parse().map_err(|_| InvalidValue::new($expected))?;
                Self::new(value)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                struct Integer;
                impl serde::de::Visitor<'_> for Integer {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$name, E> {
                        $name::new(value).map_err(E::custom)
                    }
                }
                input.deserialize_u64(Integer)
            }
        }
    };
}

integer_id!(
    /// A user's id: 1 to 2^53 − 1, given out by the store.
    UserId,
    1,
    "an integer from 1 to 2^53 - 1"
);

integer_id!(
    /// A group's id: 1 to 2^53 − 1, given out by the store.
    GroupId,
    1,
    "an integer from 1 to 2^53 - 1"
);

integer_id!(
    /// A message's number in its conversation: 1, 2, 3 … without gaps; 0 stands for "before the first".
    Seq,
    0,
    "an integer from 0 to 2^53 - 1"
);

impl Seq {
    /// The position before a conversation's first message.
    pub const ZERO: Self = Self(0);

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.advanced_by(1)
    }

    /// The position before this one; 0 stays 0.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The position `count` messages on.
    #[must_use]
    pub const fn advanced_by(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Default for Seq {
    fn default() -> Self {
        Self::ZERO
    }
}

/// Defines a short ASCII identifier with a fixed alphabet.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $symbols:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// [`InvalidValue`] where the text is empty, longer than 64 bytes, or holds another symbol.
            pub fn parse(text: &str) -> Result<Self, InvalidValue> {
                let symbols: &[u8] = $symbols;
                let allowed = |b: u8| b.is_ascii_alphanumeric() || symbols.contains(&b);
                if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
                    return Err(InvalidValue::new($expected));
                }
                Ok(Self(text.into()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::parse(text)
            }
        }

        deserialize_from_str!($name, $expected);
    };
}

text_id!(
    /// One of a user's devices; delivery resumes where the device stopped acknowledging.
    Device,
    b"._-",
    "1 to 64 characters of A-Z a-z 0-9 . _ -"
);

text_id!(
    /// A message's id as its sender names it; repeating it stores nothing twice.
    MessageId,
    b"._:-",
    "1 to 64 characters of A-Z a-z 0-9 . _ : -"
);

text_id!(
    /// A node's name, unique in its cluster.
    NodeId,
    b"._:-",
    "1 to 64 characters of A-Z a-z 0-9 . _ : -"
);

impl Default for Device {
    fn default() -> Self {
        Self("default".into())
    }
}

impl MessageId {
    /// Makes an id from 128 random bits, for a message whose client gave none.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes)).into()))
    }
}

impl NodeId {
    /// A name that is unique for practical purposes: the process id and 64 random bits.
    pub fn random() -> Self {
        let mut bytes = [0_u8; 8];
        // Without randomness the process id alone still tells the nodes of one machine apart.
        let _ = getrandom::fill(&mut bytes);
        Self(format!("node-{}-{:016x}", std::process::id(), u64::from_be_bytes(bytes)).into())
    }
}

/// One session on one node, unique there for the life of the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(u64);

impl SessionId {
    /// Wraps a number that its node gives out once.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The plain number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_ids_refuse_what_json_cannot_hold_exactly() {
        for (text, accepted) in [
            ("1", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("0", false),
            ("-1", false),
            ("1.5", false),
            ("1e2", false),
            ("\"1\"", false),
            ("null", false),
        ] {
            let parsed = serde_json::from_str::<UserId>(text);
            assert_eq!(parsed.is_ok(), accepted, "{text}: {parsed:?}");
        }
        assert_eq!(serde_json::from_str::<Seq>("0").unwrap(), Seq::ZERO);
    }

    #[test]
    fn text_ids_refuse_other_symbols_and_lengths() {
        assert!(Device::parse("my-laptop_2.home").is_ok());
        assert!(MessageId::parse("c:1").is_ok());
        for bad in ["", "a b", "é", "a:b", "a/b", &"x".repeat(65)] {
            assert!(Device::parse(bad).is_err(), "{bad}");
        }
        assert!(Device::parse(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn random_message_ids_are_valid_and_differ() {
        let (one, two) = (MessageId::random().unwrap(), MessageId::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(MessageId::parse(one.as_str()), Ok(one));
    }
}
