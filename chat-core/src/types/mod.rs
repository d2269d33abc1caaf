//! Value types: checked once when they are made, trusted from then on.

mod by_id;
mod conversation;
mod credentials;
mod data;
mod ids;
mod records;
mod text;

pub(crate) use by_id::ById;
pub use conversation::ConversationId;
pub(crate) use credentials::GivenPassword;
pub use credentials::{Password, PasswordHash, Token, TokenHash};
pub use data::Data;
pub use ids::{Device, GroupId, MAX_INTEGER, MessageId, NodeId, Seq, SessionId, UserId};
pub use records::{Group, GroupMembership, Member, Message, MessageIdOrigin, Role, User};
pub use text::{Body, Description, GroupName, NameKey, UserName};

/// Why a value was refused: a sentence for the user that never repeats the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {expected}")]
pub struct InvalidValue {
    expected: &'static str,
}

impl InvalidValue {
    pub(crate) const fn new(expected: &'static str) -> Self {
        Self { expected }
    }

    /// What would have been accepted, for example `a positive integer`.
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

/// Implements `Deserialize` through a constructor that takes a `&str`, so that a value is checked
/// before anything is copied, and so that no error text repeats what was sent.
macro_rules! deserialize_from_str {
    ($type:ty, $expected:expr) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                struct FromStr;
                impl serde::de::Visitor<'_> for FromStr {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        <$type>::parse(text).map_err(E::custom)
                    }
                }
                input.deserialize_str(FromStr)
            }
        }
    };
}
pub(crate) use deserialize_from_str;
