//! What can go wrong: [`Error`] for callers and clients, [`BackendError`] for ports.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Defines an enum of wire codes with its spelling, and the way back.
macro_rules! wire_codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every code, in the order of the protocol's table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spellings on the wire, in the same order.
            pub(crate) const SPELLINGS: &'static [&'static str] = &[$($text),+];

            /// The spelling on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_codes!(
    /// The error codes of the wire protocol.
    ErrorCode {
        /// Not JSON, not an object, no known type, or a field missing or of the wrong form.
        BadFrame = "bad_frame",
        /// The frame is longer than `max_frame`.
        FrameTooLarge = "frame_too_large",
        /// The request needs a login first.
        Unauthenticated = "unauthenticated",
        /// Wrong name, password or token.
        InvalidCredentials = "invalid_credentials",
        /// A second login on a connection that is logged in.
        AlreadyLoggedIn = "already_logged_in",
        /// The user's or group's name exists.
        NameTaken = "name_taken",
        /// No such user, group or conversation.
        NotFound = "not_found",
        /// Not a member, or not allowed.
        Forbidden = "forbidden",
        /// Too much at once; try again after the time given.
        RateLimited = "rate_limited",
        /// The store or a backend cannot be reached; send again with the same id.
        Unavailable = "unavailable",
        /// A defect of the server.
        Internal = "internal",
    }
);

wire_codes!(
    /// Why the server closes a connection.
    GoodbyeCode {
        /// The same device logged in again.
        Replaced = "replaced",
        /// A frame was longer than `max_frame`.
        FrameTooLarge = "frame_too_large",
        /// Too many requests of this connection failed.
        TooManyErrors = "too_many_errors",
        /// No login within the time allowed.
        LoginTimeout = "login_timeout",
        /// Nothing was heard for the time allowed.
        IdleTimeout = "idle_timeout",
        /// The server, or the client's address, has too many connections.
        TooManyConnections = "too_many_connections",
        /// The server shuts down; connect again after the time given.
        ServerDraining = "server_draining",
        /// The application closed the session.
        Expelled = "expelled",
    }
);

/// Why a request failed: a wire code, a sentence for the user, and what the log should know.
///
/// `Display` prints the sentence; [`source`](StdError::source) gives the backend's failure,
/// which is for logs only.
#[derive(Debug)]
pub struct Error {
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<BackendError>,
}

impl Error {
    /// Makes an error. The message is shown to users: it must hold no secret and no internal detail.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// Adds when it makes sense to try again.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Ends the message after so many bytes, or a little before, where a character ends.
    #[must_use]
    pub(crate) fn cut(mut self, bytes: usize) -> Self {
        if self.message.len() > bytes {
            let end = self.message.floor_char_boundary(bytes);
            self.message.to_mut().truncate(end);
        }
        self
    }

    /// A backend's failure as its caller sees it: `unavailable`, or `internal` for a defect.
    pub fn from_backend(error: BackendError, retry_after: Duration) -> Self {
        let (code, message, retry) = match error.kind() {
            BackendErrorKind::NotDone => (
                ErrorCode::Unavailable,
                "the service is not available; nothing was changed",
                true,
            ),
            BackendErrorKind::Unknown => (
                ErrorCode::Unavailable,
                "the service did not answer in time; it may have been done: send it again with the same id",
                true,
            ),
            BackendErrorKind::Broken => (
                ErrorCode::Internal,
                "the server could not do this because of a defect",
                false,
            ),
        };
        Self {
            code,
            message: message.into(),
            retry_after: retry.then_some(retry_after),
            source: Some(error),
        }
    }

    /// The wire code.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the user.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// When it makes sense to try again.
    pub const fn retry_delay(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The backend's failure behind it.
    pub const fn backend(&self) -> Option<&BackendError> {
        self.source.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

/// What a backend's failure says about the call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackendErrorKind {
    /// Nothing was changed; the call can be made again.
    NotDone,
    /// It may or may not have been done; only a call that is safe to repeat can be made again.
    Unknown,
    /// A defect, or data that cannot be right; making the call again will not help.
    Broken,
}

/// A failure of a backend behind a port.
///
/// Expected outcomes (a name is taken, a user is no member) are values of the port's methods and
/// never errors.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct BackendError {
    kind: BackendErrorKind,
    what: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl BackendError {
    /// A failure after which nothing was changed.
    pub fn not_done(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: BackendErrorKind::NotDone,
            what: what.into(),
            source: None,
        }
    }

    /// A failure after which the call may have been done.
    pub fn unknown(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: BackendErrorKind::Unknown,
            what: what.into(),
            source: None,
        }
    }

    /// A defect, or data that cannot be right.
    pub fn broken(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: BackendErrorKind::Broken,
            what: what.into(),
            source: None,
        }
    }

    /// Adds the failure underneath, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the failure says about the call.
    pub const fn kind(&self) -> BackendErrorKind {
        self.kind
    }
}

/// Prints an error and everything underneath it on one line, for logs.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_where_a_character_ends() {
        let cut = |text: &'static str| Error::new(ErrorCode::Forbidden, text).cut(4);
        assert_eq!(cut("four").message(), "four");
        assert_eq!(cut("fifth").message(), "fift");
        assert_eq!(cut("no é").message(), "no ");
    }

    #[test]
    fn the_three_kinds_of_backend_failure_reach_the_user_as_different_advice() {
        let second = Duration::from_secs(1);
        let not_done = Error::from_backend(BackendError::not_done("no connection"), second);
        let unknown = Error::from_backend(BackendError::unknown("cut off"), second);
        let broken = Error::from_backend(BackendError::broken("bad row"), second);
        assert_eq!(
            (not_done.code(), not_done.retry_delay()),
            (ErrorCode::Unavailable, Some(second))
        );
        assert_eq!(
            (unknown.code(), unknown.retry_delay()),
            (ErrorCode::Unavailable, Some(second))
        );
        assert!(unknown.message().contains("same id"));
        assert_eq!((broken.code(), broken.retry_delay()), (ErrorCode::Internal, None));
        assert!(!broken.message().contains("bad row"));
        assert_eq!(chain(&broken), format!("{}: bad row", broken.message()));
    }
}
