//! The settings: defaults, then the file, then the environment, then the flags; the later wins.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Override};
use crate::backend::BackendSettings;
use crate::backend_settings::{MySqlSettings, RedisSettings};
use crate::backend_url::BackendUrl;
use crate::event_log::{EventLogFileSettings, EventLogUrls, KafkaSettings, NamesSetting};
use crate::failure::Failure;
use crate::limit_settings::{LimitSettings, Period};
use crate::networks::Networks;
use crate::tls_settings::TlsSettings;
use crate::websocket_settings::WebSocketSettings;
use crate::{unknown, validate};

/// Every setting; `config.example.toml` explains each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) http: String,
    pub(crate) web_client: bool,
    pub(crate) store: BackendUrl,
    pub(crate) bus: BackendUrl,
    pub(crate) presence: BackendUrl,
    pub(crate) node: String,
    pub(crate) registry: BackendUrl,
    pub(crate) advertise: String,
    pub(crate) proxy_protocol_from: Networks,
    pub(crate) proxy_header_timeout: Period,
    pub(crate) tcp_keepalive: Period,
    pub(crate) friends_only: bool,
    pub(crate) drain: Period,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
    pub(crate) otlp: String,
    pub(crate) otlp_level: SpanLevel,
    pub(crate) event_log: EventLogUrls,
    pub(crate) event_log_names: NamesSetting,
    pub(crate) event_log_file: EventLogFileSettings,
    pub(crate) kafka: KafkaSettings,
    pub(crate) mysql: MySqlSettings,
    pub(crate) redis: RedisSettings,
    pub(crate) backend: BackendSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) websocket: WebSocketSettings,
    pub(crate) limits: LimitSettings,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// From which level on spans are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpanLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:6000".to_owned(),
            http: "127.0.0.1:6080".to_owned(),
            web_client: true,
            store: BackendUrl::new("sqlite:chat.db"),
            bus: BackendUrl::new("memory:"),
            presence: BackendUrl::new(""),
            node: String::new(),
            registry: BackendUrl::new(""),
            advertise: String::new(),
            proxy_protocol_from: Networks::default(),
            proxy_header_timeout: Duration::from_secs(5).into(),
            tcp_keepalive: Duration::from_secs(60).into(),
            friends_only: false,
            drain: Duration::from_secs(5).into(),
            log_level: "info".to_owned(),
            log_format: LogFormat::Text,
            otlp: String::new(),
            otlp_level: SpanLevel::Debug,
            event_log: EventLogUrls::default(),
            event_log_names: NamesSetting::default(),
            event_log_file: EventLogFileSettings::default(),
            kafka: KafkaSettings::default(),
            mysql: MySqlSettings::default(),
            redis: RedisSettings::default(),
            backend: BackendSettings::default(),
            tls: TlsSettings::default(),
            websocket: WebSocketSettings::default(),
            limits: LimitSettings::default(),
        }
    }
}

impl Settings {
    /// Puts the layers together and checks the result.
    ///
    /// # Errors
    /// A sentence that names the setting, where its value came from, and what to write instead.
    pub(crate) fn load(arguments: &Arguments) -> Result<Self, Failure> {
        unknown::check_variables(std::env::vars_os().map(|(name, _)| name))?;
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = &arguments.config {
            layers = layers.merge(Layer::from_file(Path::new(path))?);
        }
        for given in &arguments.overrides {
            layers = layers.merge(Layer::from_override(given)?);
        }
        let settings = layers.extract::<Self>().map_err(|error| describe(&error))?;
        validate::check(&settings, arguments.task.role())?;
        Ok(settings)
    }

    /// Where the HTTP side door is; `None` where it is switched off.
    pub(crate) fn http_address(&self) -> Option<&str> {
        (self.http != "none").then_some(&self.http)
    }

    /// Where presence is: its own place, or that of the bus.
    #[cfg(feature = "cluster")]
    pub(crate) fn presence_url(&self) -> &BackendUrl {
        if self.presence.is_empty() {
            &self.bus
        } else {
            &self.presence
        }
    }

    /// The settings as TOML, without secrets.
    ///
    /// # Errors
    /// Never for these types; the serializer asks for it.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(&self.redacted())?)
    }

    /// The settings by their keys, as in `limits.max_frame`, without secrets.
    pub(crate) fn by_key(&self) -> serde_json::Map<String, serde_json::Value> {
        self.redacted().by_key_with_secrets()
    }

    /// The same with secrets, to be compared and never shown.
    pub(crate) fn by_key_with_secrets(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut keys = serde_json::Map::new();
        let nested = serde_json::to_value(self).unwrap_or_default();
        for (key, value) in nested.as_object().into_iter().flatten() {
            let Some(section) = value.as_object() else {
                keys.insert(key.clone(), value.clone());
                continue;
            };
            for (name, value) in section {
                keys.insert(format!("{key}.{name}"), value.clone());
            }
        }
        keys
    }

    fn redacted(&self) -> Self {
        Self {
            store: self.store.redacted(),
            bus: self.bus.redacted(),
            presence: self.presence.redacted(),
            registry: self.registry.redacted(),
            event_log: self.event_log.redacted(),
            ..self.clone()
        }
    }
}

/// One source of settings, with the name that messages give it.
struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    fn from_file(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::setting(format!("cannot read the settings file {shown}: {error}")))?;
        // The error's own text would quote the line, which may hold a password.
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or_default().lines().count().max(1)
            });
            let what = error.message().lines().next().unwrap_or_default();
            Failure::setting(format!(
                "the settings file {shown} is not valid TOML near line {line}: {what}"
            ))
        })?;
        unknown::check_file(&table, path)?;
        Ok(Self {
            origin: format!("the file {shown}"),
            values: to_dict(&table)?,
        })
    }

    fn from_override(given: &Override) -> Result<Self, Failure> {
        let value = typed_like_default(&given.key, &given.text)?;
        let nested = given.key.rsplit('.').fold(value, |inner, name| {
            Value::from(BTreeMap::from([(name.to_owned(), inner)]))
        });
        let values = nested.into_dict().unwrap_or_default();
        Ok(Self {
            origin: given.origin.clone(),
            values,
        })
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

fn to_dict(values: &impl Serialize) -> Result<Dict, Failure> {
    let value = Value::serialize(values).map_err(|error| describe(&error))?;
    Ok(value.into_dict().unwrap_or_default())
}

/// Flags and variables are text: the default tells whether a number or a truth value is meant.
fn typed_like_default(key: &str, text: &str) -> Result<Value, Failure> {
    let defaults = Value::from(to_dict(&Settings::default())?);
    let as_written = || Value::from(text);
    Ok(match defaults.find_ref(key) {
        Some(Value::Num(..)) => text.parse::<i64>().map_or_else(|_| as_written(), Value::from),
        Some(Value::Bool(..)) => text.parse::<bool>().map_or_else(|_| as_written(), Value::from),
        _ => as_written(),
    })
}

fn describe(error: &figment::Error) -> Failure {
    let origin = error
        .metadata
        .as_ref()
        .map(|metadata| format!(" in {}", metadata.name))
        .unwrap_or_default();
    Failure::setting(format!(
        "the setting `{}`{origin} is wrong: {}",
        error.path.join("."),
        error.kind
    ))
}

#[cfg(test)]
mod tests {
    use chat_core::Limits;

    use super::*;
    use crate::reference::{EXAMPLE, reference};

    #[test]
    fn the_example_file_holds_every_setting_with_its_default_and_no_other() {
        let example: toml::Table = toml::from_str(EXAMPLE).unwrap();
        let defaults = toml::Table::try_from(Settings::default()).unwrap();
        assert_eq!(example, defaults);
    }

    #[test]
    fn the_example_file_explains_every_setting_on_a_line_or_two() {
        let defaults = toml::Table::try_from(Settings::default()).unwrap();
        let mut keys = unknown::keys_of(&defaults);
        let mut explained: Vec<String> = reference().iter().map(|setting| setting.key.clone()).collect();
        keys.sort();
        explained.sort();
        assert_eq!(explained, keys);
        for setting in reference() {
            assert!((5..140).contains(&setting.explanation.len()), "{setting:?}");
        }
    }

    #[test]
    fn the_limits_of_the_settings_are_those_of_the_core() {
        assert_eq!(Limits::from(Settings::default().limits), Limits::default());
    }
}
