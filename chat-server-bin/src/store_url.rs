//! Where the store is: the URL of `--store`, and how it is shown without its secrets.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The schemes whose adapters come with the cargo feature `cluster`.
const CLUSTER_SCHEMES: &[&str] = &[
    "mysql",
    "mariadb",
    "redis",
    "rediss",
    "kafka",
    "grpc",
    "grpcs",
    "zookeeper",
];

/// The setting `store` as it was given. It may hold a password, so that only
/// [`redacted`](Self::redacted) is ever shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoreUrl(String);

/// The stores that are built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// `memory:`: everything is forgotten when the program ends.
    Memory,
    /// `sqlite:PATH`: one file.
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// What the URL names.
    ///
    /// # Errors
    /// A sentence that says what is possible here.
    pub(crate) fn store(&self) -> Result<Store, String> {
        let Some((scheme, rest)) = self.0.split_once(':') else {
            return Err(format!(
                "`store` has no scheme: write `sqlite:{}` for a file, or `memory:`",
                self.redacted()
            ));
        };
        match scheme {
            "memory" if rest.trim_matches('/').is_empty() => Ok(Store::Memory),
            "memory" => Err("`store = \"memory:\"` takes nothing after the colon".to_owned()),
            "sqlite" => sqlite_path(rest).map(Store::Sqlite),
            scheme if CLUSTER_SCHEMES.contains(&scheme) => Err(format!(
                "`{scheme}:` is not built into this program: build it with `--features cluster`, or use \
                 `sqlite:PATH` or `memory:`"
            )),
            _ => Err(
                "the scheme of `store` is not known: the known ones are `sqlite:` and `memory:`, and with \
                      `--features cluster` also `mysql:`"
                    .to_owned(),
            ),
        }
    }

    /// The URL with everything hidden that may be secret: a password, and parameters that look like one.
    pub(crate) fn redacted(&self) -> Self {
        let address = redact_password(&self.0);
        let Some((address, parameters)) = address.split_once('?') else {
            return Self(address);
        };
        let shown: Vec<String> = parameters.split('&').map(redact_parameter).collect();
        Self(format!("{address}?{}", shown.join("&")))
    }
}

impl Default for StoreUrl {
    fn default() -> Self {
        Self("sqlite:chat.db".to_owned())
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted().0)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.redacted().0)
    }
}

/// Both `sqlite:chat.db` and `sqlite:///var/lib/chat.db`.
fn sqlite_path(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err("`store` names no file: write for example `sqlite:chat.db`".to_owned());
    }
    if path.contains('?') || path.starts_with(':') {
        return Err("`sqlite:` takes only a file's path; for a store in memory write `memory:`".to_owned());
    }
    Ok(PathBuf::from(path))
}

/// Hides what stands between the user's name and the last `@`.
fn redact_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        // A password may hold "/", "?" and "@" although it should not: hide too much rather than too little.
        let (user_info, host) = rest.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

fn redact_parameter(parameter: &str) -> String {
    let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
    let secret = ["pass", "pwd", "secret", "token", "key"]
        .iter()
        .any(|word| name.to_lowercase().contains(word));
    if secret {
        format!("{name}=***")
    } else {
        parameter.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl From<&str> for StoreUrl {
        fn from(text: &str) -> Self {
            Self(text.to_owned())
        }
    }

    fn url(text: &str) -> StoreUrl {
        text.into()
    }

    #[test]
    fn known_stores_are_told_apart() {
        assert_eq!(url("memory:").store(), Ok(Store::Memory));
        assert_eq!(url("sqlite:chat.db").store(), Ok(Store::Sqlite("chat.db".into())));
        assert_eq!(
            url("sqlite:///var/chat.db").store(),
            Ok(Store::Sqlite("/var/chat.db".into()))
        );
        for bad in [
            "",
            "chat.db",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite:a?mode=ro",
            "memory:x",
            "oracle://x",
        ] {
            assert!(url(bad).store().is_err(), "{bad}");
        }
    }

    #[test]
    fn schemes_that_need_the_feature_cluster_name_it() {
        for scheme in CLUSTER_SCHEMES {
            let sentence = url(&format!("{scheme}://root:hunter2@db/chat"))
                .store()
                .unwrap_err();
            assert!(
                sentence.contains("--features cluster") && sentence.contains(scheme),
                "{sentence}"
            );
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn no_form_of_printing_shows_a_secret() {
        for secret in [
            "mysql://root:hunter2@db/chat",
            "mysql://root:hun/hunter2@x@db/chat",
            "mysql://root:hun?hunter2@db/chat",
            "mysql://db/chat?password=hunter2&ssl=on",
            "mysql://root:a@db/chat?sslKey=hunter2",
        ] {
            let shown = format!("{0} {0:?} {1:?}", url(secret), url(secret).store());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(
            url("mysql://root:x@db/chat?ssl=on").to_string(),
            "mysql://root:***@db/chat?ssl=on"
        );
        assert_eq!(url("sqlite:chat.db").to_string(), "sqlite:chat.db");
    }
}
