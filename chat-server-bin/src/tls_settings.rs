//! The section `[tls]`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chat_adapters::tls::{Certificates, Identity, ServerTls, TlsError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::failure::Failure;
use crate::limit_settings::Period;
use crate::written_list;

/// The settings of the section `[tls]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TlsSettings {
    /// Empty for no TLS.
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) listeners: Listeners,
    pub(crate) handshake_timeout: Period,
    pub(crate) reload_interval: Period,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificate: String::new(),
            key: String::new(),
            listeners: Listeners([Listener::Listen, Listener::Http].into()),
            handshake_timeout: Duration::from_secs(10).into(),
            reload_interval: Duration::from_secs(10).into(),
        }
    }
}

/// An address that clients come to, by the name of its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listener {
    Listen,
    Http,
}

impl Listener {
    const ALL: [Self; 2] = [Self::Listen, Self::Http];

    const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Http => "http",
        }
    }
}

/// Which addresses speak TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listeners(BTreeSet<Listener>);

impl<'de> Deserialize<'de> for Listeners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let example = "write a list of `listen` and `http`, as in [\"listen\"]";
        let listener = |text: &str| {
            let mut all = Listener::ALL.into_iter();
            let found = all.find(|listener| listener.name() == text);
            found.ok_or_else(|| format!("`{text}` is no address that can speak TLS: {example}"))
        };
        let listeners = written_list::items(deserializer, example, listener)?;
        Ok(Self(listeners.into_iter().collect()))
    }
}

impl Serialize for Listeners {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|listener| listener.name()))
    }
}

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|listener| listener.name()).collect();
        f.write_str(&names.join(" and "))
    }
}

/// TLS as the settings have it.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) certificates: Certificates,
    /// For the address of `listen`, where it speaks TLS.
    pub(crate) listen: Option<ServerTls>,
    /// The same for that of `http`.
    pub(crate) http: Option<ServerTls>,
}

impl TlsSettings {
    /// Refuses what cannot work, as far as that is known without a look at the files.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.certificate.is_empty() != self.key.is_empty() {
            return Err(
                "`tls.certificate` and `tls.key` belong together: name both files, or neither for no TLS"
                    .to_owned(),
            );
        }
        if self.listeners.0.is_empty() {
            return Err(
                "`tls.listeners` names no address: write those that speak TLS, or leave `tls.certificate` empty for none"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Reads the files; `None` where there is no TLS.
    pub(crate) fn load(&self) -> Result<Option<Tls>, Failure> {
        if self.certificate.is_empty() {
            return Ok(None);
        }
        let loaded = self.load_files();
        loaded
            .map(Some)
            .map_err(|error| Failure::setting(format!("section `tls`: {error}")))
    }

    fn load_files(&self) -> Result<Tls, TlsError> {
        let certificates = Certificates::load(Identity {
            certificate: PathBuf::from(&self.certificate),
            key: PathBuf::from(&self.key),
        })?;
        let timeout = self.handshake_timeout.into();
        let speaks = |listener| self.listeners.0.contains(&listener);
        let lines = ServerTls::new(&certificates)?.handshake_timeout(timeout);
        let http = ServerTls::http(&certificates)?.handshake_timeout(timeout);
        Ok(Tls {
            listen: speaks(Listener::Listen).then_some(lines),
            http: speaks(Listener::Http).then_some(http),
            certificates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners(toml: &str) -> Result<String, String> {
        let table: toml::Table = toml::from_str(&format!("listeners = {toml}")).unwrap();
        let listeners: Result<Listeners, toml::de::Error> = table["listeners"].clone().try_into();
        let listeners = listeners.map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&listeners).unwrap())
    }

    #[test]
    fn lists_and_texts_with_commas_name_the_same_listeners() {
        for written in [r#"["http", "listen"]"#, r#""listen, http""#] {
            assert_eq!(listeners(written).unwrap(), r#"["listen","http"]"#);
        }
        assert_eq!(listeners(r#""http""#).unwrap(), r#"["http"]"#);
        for (written, named) in [(r#"["https"]"#, "`https`"), ("7", "list of `listen`")] {
            let sentence = listeners(written).unwrap_err();
            assert!(sentence.contains(named), "{sentence}");
        }
    }

    #[test]
    fn files_belong_together_and_some_address_speaks_tls() {
        let checked = |certificate: &str, key: &str, listeners: &[Listener]| {
            let settings = TlsSettings {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
                listeners: Listeners(listeners.iter().copied().collect()),
                ..TlsSettings::default()
            };
            settings.check()
        };
        assert_eq!(checked("", "", &[Listener::Http]), Ok(()));
        assert_eq!(checked("a.pem", "a.key", &[Listener::Listen]), Ok(()));
        for (certificate, key) in [("a.pem", ""), ("", "a.key")] {
            let sentence = checked(certificate, key, &Listener::ALL).unwrap_err();
            assert!(sentence.contains("`tls.key`"), "{sentence}");
        }
        let sentence = checked("a.pem", "a.key", &[]).unwrap_err();
        assert!(sentence.contains("`tls.listeners`"), "{sentence}");
    }
}
