//! The JSON object that a message can carry for its clients.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::InvalidValue;

const BYTES: usize = 8_192;
const EXPECTED: &str = "a JSON object of at most 8192 bytes";

/// A JSON object of at most 8,192 bytes that the server carries and never reads.
#[derive(Clone, PartialEq, Eq)]
pub struct Data(Arc<str>);

impl Data {
    /// Checks that a text is a JSON object within the limit.
    ///
    /// Line ends between its parts are dropped, because a frame is one line; nothing else changes.
    ///
    /// # Errors
    /// [`InvalidValue`] where it is no JSON, no object, or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let raw = serde_json::from_str::<&RawValue>(text).map_err(|_| InvalidValue::new(EXPECTED))?;
        Self::from_raw(raw.get())
    }

    /// Takes the text of a value that is known to be JSON.
    fn from_raw(json: &str) -> Result<Self, InvalidValue> {
        if json.len() > BYTES || !json.starts_with('{') {
            return Err(InvalidValue::new(EXPECTED));
        }
        if json.contains(['\n', '\r']) {
            // JSON strings cannot hold raw line ends, so these can only be white space.
            return Ok(Self(json.replace(['\n', '\r'], "").into()));
        }
        Ok(Self(json.into()))
    }

    /// The object as JSON text without line ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.0.len())
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(output)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(input)?;
        Self::from_raw(raw.get()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_carried_as_they_are() {
        for same in [
            r#"{}"#,
            r#"{"a":1.00e5,"a":2}"#,
            r#"{"deep":[[[[{"\u0000":null}]]]]}"#,
        ] {
            assert_eq!(Data::parse(same).unwrap().as_str(), same);
        }
        assert_eq!(
            Data::parse("{\r\n \"a\": \"\\n\"\n}").unwrap().as_str(),
            "{ \"a\": \"\\n\"}"
        );
    }

    #[test]
    fn anything_but_a_small_object_is_refused() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(8_192));
        for bad in ["", "[]", "1", "null", "{", "{} {}", "\"{}\"", &long] {
            assert!(Data::parse(bad).is_err(), "{bad}");
        }
    }
}
