//! Which web pages may connect.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;

/// Where a web page comes from, as browsers send it: `https://chat.example.com`, with a port where
/// it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin: write for example https://chat.example.com, without a path")]
pub struct InvalidOrigin(String);

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(invalid)?;
        let scheme = scheme.to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(allowed) {
            return Err(invalid());
        }
        let (host, port) = host_and_port(authority).ok_or_else(invalid)?;
        let port = port.or_else(|| usual_port(&scheme));
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if self.port != usual_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

impl Origin {
    /// Whether a request for this `Host` goes back to where the page comes from. The scheme is not
    /// compared: behind a proxy that ends TLS nobody knows it.
    fn is_host(&self, host: &str) -> bool {
        host_and_port(host).is_some_and(|(host, port)| {
            host == self.host && port.or_else(|| usual_port(&self.scheme)) == self.port
        })
    }
}

/// Whether a request may have come from where it says: from no web page, from one of the same host,
/// or from one of these.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        // Programs that are no browsers send none. Nobody sends two.
        return !headers.contains_key(ORIGIN);
    };
    let Some(origin) = origin.to_str().ok().and_then(|text| text.parse::<Origin>().ok()) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    allowed.contains(&origin) || host.is_some_and(|host| origin.is_host(host))
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    let rest = authority.as_str().get(host.len()..)?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        // A name before the host.
        None => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(origins: &[&str], host: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        headers
    }

    #[test]
    fn a_page_of_the_same_host_may_connect_whatever_ends_tls_before_the_server() {
        for (origin, host) in [
            ("https://chat.example.com", "chat.example.com"),
            ("http://chat.example.com", "chat.example.com"),
            ("https://chat.example.com", "CHAT.example.com:443"),
            ("https://chat.example.com:8443", "chat.example.com:8443"),
            ("http://127.0.0.1:6080", "127.0.0.1:6080"),
            ("http://[::1]:6080", "[::1]:6080"),
        ] {
            assert!(is_allowed(&headers(&[origin], host), &[]), "{origin} at {host}");
        }
    }

    #[test]
    fn a_page_of_another_host_or_port_may_not() {
        for (origins, host) in [
            (&["https://evil.example"][..], "chat.example.com"),
            (&["https://chat.example.com.evil.example"], "chat.example.com"),
            (&["https://evil.example/chat.example.com"], "chat.example.com"),
            (&["https://chat.example.com@evil.example"], "chat.example.com"),
            (&["https://evil.example@chat.example.com"], "chat.example.com"),
            (&["https://chat.example.com:8443"], "chat.example.com"),
            (&["https://chat.example.com"], "chat.example.com:8443"),
            (&["https://chat.example.com:x"], "chat.example.com"),
            (&["null"], "chat.example.com"),
            (&[""], "chat.example.com"),
            (
                &["https://chat.example.com", "https://chat.example.com"],
                "chat.example.com",
            ),
        ] {
            assert!(!is_allowed(&headers(origins, host), &[]), "{origins:?} at {host}");
        }
    }

    #[test]
    fn a_page_that_is_listed_may_and_the_scheme_counts() {
        let allowed = ["https://Chat.example.com:443".parse().unwrap()];
        let asked = |origin| is_allowed(&headers(&[origin], "10.0.0.7:6080"), &allowed);
        assert!(asked("https://chat.example.com"));
        assert!(!asked("http://chat.example.com"));
        assert!(!asked("https://chat.example.com:444"));
    }

    #[test]
    fn who_is_no_browser_sends_no_origin() {
        assert!(is_allowed(&headers(&[], "chat.example.com"), &[]));
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for (written, shown) in [
            ("https://Chat.Example.com:443", "https://chat.example.com"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("app://chat", "app://chat"),
        ] {
            assert_eq!(written.parse::<Origin>().unwrap().to_string(), shown);
        }
        for wrong in [
            "chat.example.com",
            "https://",
            "https://a/b",
            "https://a:70000",
            "*",
            "://a",
        ] {
            let error = wrong.parse::<Origin>().unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
}
