//! A list as people write it: in a file a list, as a flag or variable with commas.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    List(Vec<String>),
}

/// Reads such a list, each item by `read`; `example` is what an error tells to write.
pub(crate) fn items<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    example: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, D::Error> {
    let written = Written::deserialize(deserializer).map_err(|_| D::Error::custom(example))?;
    let texts = match written {
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
        Written::List(texts) => texts,
    };
    let texts = texts.iter().map(|text| text.trim());
    let items = texts.filter(|text| !text.is_empty()).map(read);
    items.collect::<Result<_, _>>().map_err(D::Error::custom)
}
