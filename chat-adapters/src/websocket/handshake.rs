//! The request that becomes a connection, and what it is refused for.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

use super::origin::{Origin, is_allowed};

/// The sub-protocol that clients may ask for, and are answered with where they do.
pub const PROTOCOL: &str = "chat.v1";
/// The version of the WebSocket protocol, which is the only one.
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// The length of a key: 16 bytes in Base64.
const KEY_LENGTH: usize = 24;

/// Why a request becomes no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It asks for no WebSocket, or in no way that can be understood.
    NotWebSocket,
    /// It asks for another version.
    Version,
    /// A web page of somewhere else asks.
    CrossSite,
    /// What carries it cannot be made a connection.
    NotUpgradable,
    /// The node ends. Elsewhere there may be another one, to which a proxy passes the request on by this status.
    Draining(Duration),
    /// So many are being refused that it is not even told why.
    Busy(Duration),
}

impl Refusal {
    /// All names.
    pub(super) const NAMES: &'static [&'static str] = &[
        "not_websocket",
        "version",
        "cross_site",
        "not_upgradable",
        "draining",
        "busy",
    ];

    /// Its name in the counter.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NotWebSocket => "not_websocket",
            Self::Version => "version",
            Self::CrossSite => "cross_site",
            Self::NotUpgradable => "not_upgradable",
            Self::Draining(_) => "draining",
            Self::Busy(_) => "busy",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotWebSocket => refusal(
                StatusCode::UPGRADE_REQUIRED,
                (UPGRADE, HeaderValue::from_static("websocket")),
                "this is the chat by WebSocket: ask for that, by HTTP/1.1\n",
            ),
            Self::Version => refusal(
                StatusCode::UPGRADE_REQUIRED,
                (SEC_WEBSOCKET_VERSION, VERSION),
                "only version 13 of the WebSocket protocol is spoken\n",
            ),
            Self::CrossSite => (
                StatusCode::FORBIDDEN,
                "web pages of this origin may not connect\n",
            )
                .into_response(),
            Self::NotUpgradable => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "what carries this request cannot be made a WebSocket\n",
            )
                .into_response(),
            Self::Draining(retry_after) => later(retry_after, "the server is ending; come back later\n"),
            Self::Busy(retry_after) => later(retry_after, "too many connections; come back later\n"),
        }
    }
}

fn later(retry_after: Duration, sentence: &'static str) -> Response {
    let seconds = HeaderValue::from(whole_seconds(retry_after));
    refusal(StatusCode::SERVICE_UNAVAILABLE, (RETRY_AFTER, seconds), sentence)
}

fn refusal(status: StatusCode, header: (HeaderName, HeaderValue), sentence: &'static str) -> Response {
    (status, [header], sentence).into_response()
}

/// At least the time given.
const fn whole_seconds(time: Duration) -> u64 {
    let second = if time.subsec_nanos() > 0 { 1 } else { 0 };
    time.as_secs().saturating_add(second)
}

/// A request that can become a connection.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: HeaderValue,
    /// Whether the client asked for [`PROTOCOL`].
    is_named: bool,
}

impl Handshake {
    /// Looks whether a request is right, and who asks.
    pub(super) fn read(request: &Request, allowed: &[Origin]) -> Result<Self, Refusal> {
        let headers = request.headers();
        let asks = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && lists(headers, &CONNECTION, |option| {
                option.eq_ignore_ascii_case("upgrade")
            })
            && lists(headers, &UPGRADE, |name| name.eq_ignore_ascii_case("websocket"));
        if !asks {
            return Err(Refusal::NotWebSocket);
        }
        if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(Refusal::Version);
        }
        let key = headers
            .get(SEC_WEBSOCKET_KEY)
            .filter(|key| key.len() == KEY_LENGTH);
        let accept = key.and_then(|key| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok());
        let accept = accept.ok_or(Refusal::NotWebSocket)?;
        if !is_allowed(headers, allowed) {
            return Err(Refusal::CrossSite);
        }
        if request.extensions().get::<OnUpgrade>().is_none() {
            return Err(Refusal::NotUpgradable);
        }
        Ok(Self {
            accept,
            is_named: lists(headers, &SEC_WEBSOCKET_PROTOCOL, |name| name == PROTOCOL),
        })
    }

    /// The answer with which the connection begins. It names no extension, so that there is none.
    pub(super) fn answer(self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if self.is_named {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        }
        answer
    }
}

/// Whether a list in a header has such an item.
fn lists(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter();
    let items = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
    items.map(str::trim).any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_whole_seconds_that_are_no_shorter() {
        let told = [0, 1, 1_000, 1_001].map(|millis| whole_seconds(Duration::from_millis(millis)));
        assert_eq!(told, [0, 1, 1, 2]);
    }
}
