//! Where a backend is: the URL of `store`, `bus`, `presence` or `registry`, and how it is shown without its secrets.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The URL of a backend as it was given. It may hold a password, so that only
/// [`redacted`](Self::redacted) is ever shown; `Display` and `Debug` do that by themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BackendUrl(String);

impl BackendUrl {
    /// A URL.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole URL with its secrets, for the adapter alone.
    pub(crate) fn with_secrets(&self) -> &str {
        &self.0
    }

    /// Whether nothing was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scheme and what comes after the colon; `None` without a colon.
    pub(crate) fn parts(&self) -> Option<(&str, &str)> {
        self.0.split_once(':')
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

impl fmt::Display for BackendUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted().0)
    }
}

impl fmt::Debug for BackendUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.redacted().0)
    }
}

/// Hides what stands between the user's name and the last `@`.
fn redact_password(url: &str) -> String {
    let hidden = || {
        // Also without the slashes: a password that stands in a mistyped URL is as secret.
        let (scheme, rest) = url.split_once(':')?;
        let (scheme, rest) = rest
            .strip_prefix("//")
            .map_or((format!("{scheme}:"), rest), |rest| {
                (format!("{scheme}://"), rest)
            });
        // A password may hold "/", "?" and "@" although it should not: hide too much rather than too little.
        let (user_info, host) = rest.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some(format!("{scheme}{user}:***@{host}"))
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

    impl From<&str> for BackendUrl {
        fn from(text: &str) -> Self {
            Self::new(text)
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
            "redis://:hunter2@cache:6379/0",
            "rediss://chat:hunter2@cache:6379/0?protocol=resp3",
            "redis:chat:hunter2@cache",
            "mysql:root:hunter2@db/chat",
        ] {
            let shown = format!("{0} {0:?}", BackendUrl::from(secret));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for (given, shown) in [
            ("mysql://root:x@db/chat?ssl=on", "mysql://root:***@db/chat?ssl=on"),
            ("redis://:x@cache", "redis://:***@cache"),
            ("redis://cache:6379/0", "redis://cache:6379/0"),
            ("sqlite:chat.db", "sqlite:chat.db"),
            ("memory:", "memory:"),
            ("", ""),
        ] {
            assert_eq!(BackendUrl::from(given).to_string(), shown);
        }
    }
}
