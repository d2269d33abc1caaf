//! The `ref` by which a client finds the reply to its request.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::types::MAX_INTEGER;

const EXPECTED: &str = "a string of at most 64 bytes or an integer";

/// A request's `ref`: a string of at most 64 bytes, or an integer of at most 53 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Reference {
    /// An integer.
    Integer(i64),
    /// A string.
    Text(Box<str>),
}

impl From<i64> for Reference {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct StringOrInteger;
        impl serde::de::Visitor<'_> for StringOrInteger {
            type Value = Reference;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Reference, E> {
                if text.len() > 64 {
                    return Err(E::custom(format_args!("must be {EXPECTED}")));
                }
                Ok(Reference::Text(text.into()))
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Reference, E> {
                if value.unsigned_abs() > MAX_INTEGER {
                    return Err(E::custom(format_args!("must be {EXPECTED}")));
                }
                Ok(Reference::Integer(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Reference, E> {
                self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }
        input.deserialize_any(StringOrInteger)
    }
}
