//! The section `[websocket]`.

use std::time::Duration;

use chat_adapters::websocket::{Endpoint, Heartbeat, Origin};
use chat_core::Chat;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limit_settings::Period;
use crate::networks::Networks;
use crate::written_list;

/// The settings of the section `[websocket]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WebSocketSettings {
    pub(crate) origins: Origins,
    pub(crate) forwarded_from: Networks,
    /// Zero for never.
    pub(crate) ping: Period,
    pub(crate) ping_timeout: Period,
}

impl Default for WebSocketSettings {
    fn default() -> Self {
        let Heartbeat { after, timeout } = Heartbeat::default();
        Self {
            origins: Origins::default(),
            forwarded_from: Networks::default(),
            ping: after.into(),
            ping_timeout: timeout.into(),
        }
    }
}

impl WebSocketSettings {
    /// What lets clients in, as these settings have it.
    pub(crate) fn endpoint(&self, chat: Chat) -> Endpoint {
        Endpoint::new(chat)
            .allow_origins(self.origins.0.iter().cloned())
            .forwarded_from(self.forwarded_from.iter())
            .heartbeat(self.heartbeat())
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        let after = Duration::from(self.ping);
        (!after.is_zero()).then_some(Heartbeat {
            after,
            timeout: self.ping_timeout.into(),
        })
    }
}

/// Origins of web pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins(Vec<Origin>);

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let example = "write a list of origins as in [\"https://chat.example.com\"]";
        let origin = |text: &str| text.parse::<Origin>().map_err(|error| error.to_string());
        written_list::items(deserializer, example, origin).map(Self)
    }
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(toml: &str) -> Result<String, String> {
        let table: toml::Table = toml::from_str(&format!("origins = {toml}")).unwrap();
        let origins: Result<Origins, toml::de::Error> = table["origins"].clone().try_into();
        let origins = origins.map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&origins).unwrap())
    }

    #[test]
    fn lists_and_texts_with_commas_name_the_same_origins() {
        let both = r#"["https://chat.example.com","http://localhost:8000"]"#;
        assert_eq!(origins(both).unwrap(), both);
        let text = r#""https://chat.example.com, http://localhost:8000""#;
        assert_eq!(origins(text).unwrap(), both);
        assert_eq!(origins(r#""""#).unwrap(), "[]");
    }

    #[test]
    fn silent_clients_are_asked_unless_that_is_off() {
        let mut settings = WebSocketSettings::default();
        assert_eq!(settings.heartbeat(), Some(Heartbeat::default()));
        settings.ping = Duration::ZERO.into();
        assert_eq!(settings.heartbeat(), None);
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for (written, named) in [
            (r#"["chat.example.com"]"#, "`chat.example.com`"),
            (
                r#""https://chat.example.com/path""#,
                "`https://chat.example.com/path`",
            ),
            ("7", "list of origins"),
        ] {
            let sentence = origins(written).unwrap_err();
            assert!(sentence.contains(named), "{sentence}");
        }
    }
}
