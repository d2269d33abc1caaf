//! The setting `event_log`: in a file a list of URLs, as a flag or variable with commas.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::backend_url::BackendUrl;

/// What a URL of the event log begins with. In text with commas, another one begins only where one of these comes
/// after the comma: a URL of Kafka has commas between its servers.
const BEGINNINGS: &[&str] = &["stderr:", "file:", "kafka://"];

/// Where the event log goes; empty for nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct EventLogUrls(Vec<BackendUrl>);

impl Default for EventLogUrls {
    fn default() -> Self {
        Self(vec![BackendUrl::new("file:chat-events.jsonl")])
    }
}

impl EventLogUrls {
    /// The URLs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &BackendUrl> {
        self.0.iter()
    }

    /// The URLs with everything hidden that may be secret.
    pub(crate) fn redacted(&self) -> Self {
        Self(self.iter().map(BackendUrl::redacted).collect())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for EventLogUrls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)
            .map_err(|_| D::Error::custom("write a list of URLs as in [\"file:chat-events.jsonl\"]"))?;
        let texts = match written {
            Written::Text(text) => parts(&text),
            Written::List(texts) => texts,
        };
        Ok(Self(texts.into_iter().map(BackendUrl::new).collect()))
    }
}

/// The URLs of a text with commas.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split(',') {
        let begins = BEGINNINGS
            .iter()
            .any(|beginning| piece.trim_start().starts_with(beginning));
        match parts.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    let trimmed = parts.iter().map(|part| part.trim());
    trimmed
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl From<&[&str]> for EventLogUrls {
        fn from(urls: &[&str]) -> Self {
            Self(urls.iter().map(|&url| BackendUrl::new(url)).collect())
        }
    }

    fn read(toml: &str) -> Vec<String> {
        let table: toml::Table = toml::from_str(&format!("urls = {toml}")).unwrap();
        let urls: EventLogUrls = table["urls"].clone().try_into().unwrap();
        urls.iter().map(|url| url.with_secrets().to_owned()).collect()
    }

    #[test]
    fn lists_and_texts_with_commas_name_the_same_urls() {
        let expected = ["stderr:", "kafka://a:1,kafka:2/log", "file:events,old.jsonl"];
        for written in [
            r#"["stderr:", "kafka://a:1,kafka:2/log", "file:events,old.jsonl"]"#,
            r#""stderr:, kafka://a:1,kafka:2/log,file:events,old.jsonl""#,
        ] {
            assert_eq!(read(written), expected);
        }
        for none in ["[]", r#""""#, r#"" ""#] {
            assert_eq!(read(none), [""; 0]);
        }
    }
}
