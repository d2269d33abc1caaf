//! Frames as expected against frames as received.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What the placeholders of a transcript stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bindings(BTreeMap<String, Value>);

/// Where a frame differs from what was expected.
#[derive(Debug, PartialEq)]
pub(crate) struct Mismatch {
    path: String,
    expected: String,
    received: Option<Value>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: expected {}, received ", self.path, self.expected)?;
        match &self.received {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}

impl Bindings {
    /// Checks that a frame has everything expected, and binds the placeholders seen for the first time.
    ///
    /// Objects may have further fields; lists must be of the same length.
    pub(crate) fn check(&mut self, expected: &Value, received: &Value) -> Result<(), Mismatch> {
        // Nothing stays bound by a frame that does not match.
        let mut bound = self.clone();
        bound.check_at("frame", expected, Some(received))?;
        *self = bound;
        Ok(())
    }

    /// Puts what is bound in the place of `"<name>"` in a line to be sent.
    pub(crate) fn fill(&self, line: &str) -> String {
        self.0.iter().fold(line.to_owned(), |line, (name, value)| {
            line.replace(&format!("\"<{name}>\""), &value.to_string())
        })
    }

    fn check_at(&mut self, path: &str, expected: &Value, received: Option<&Value>) -> Result<(), Mismatch> {
        let mismatch = |expected: String| Mismatch {
            path: path.to_owned(),
            expected,
            received: received.cloned(),
        };
        match (placeholder(expected), received) {
            (Some("absent"), None) => return Ok(()),
            (Some("absent"), Some(_)) => return Err(mismatch("nothing".to_owned())),
            (_, None) => return Err(mismatch(expected.to_string())),
            (Some("any"), Some(_)) => return Ok(()),
            (Some(name), Some(value)) => {
                let bound = self.0.entry(name.to_owned()).or_insert_with(|| value.clone());
                if bound == value {
                    return Ok(());
                }
                return Err(mismatch(format!("{bound}, which is <{name}>")));
            }
            (None, Some(_)) => {}
        }
        match (expected, received) {
            (Value::Object(fields), Some(Value::Object(_))) => {
                fields.iter().try_for_each(|(name, expected)| {
                    let value = received.and_then(|received| received.get(name));
                    self.check_at(&format!("{path}.{name}"), expected, value)
                })
            }
            (Value::Array(items), Some(Value::Array(values))) if items.len() == values.len() => {
                let mut pairs = items.iter().zip(values).enumerate();
                pairs.try_for_each(|(index, (expected, value))| {
                    self.check_at(&format!("{path}[{index}]"), expected, Some(value))
                })
            }
            (expected, Some(value)) if expected == value => Ok(()),
            _ => Err(mismatch(expected.to_string())),
        }
    }
}

/// The name in `"<name>"`.
fn placeholder(expected: &Value) -> Option<&str> {
    let name = expected.as_str()?.strip_prefix('<')?.strip_suffix('>')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name.then_some(name)
}
