//! What can go wrong between a client and its server.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use chat_core::protocol::{ErrorReply, Goodbye, Reply};
use chat_core::types::InvalidValue;

/// Why a request, a connection or a client failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error.
    #[error("{}", .0.message)]
    Refused(ErrorReply),
    /// No connection could be made.
    #[error("no connection to {server}")]
    Unreachable {
        /// The address that was tried.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection ended before the answer: the request may or may not have been done.
    #[error("the connection was lost")]
    ConnectionLost(#[source] Option<io::Error>),
    /// The server closed the session and said why.
    #[error("{}", .0.message)]
    Goodbye(Goodbye),
    /// The server did not answer in time: the request may or may not have been done.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// What came is not of this protocol.
    #[error("the server does not speak this protocol: {what}")]
    Protocol {
        /// What was wrong.
        what: &'static str,
        /// Why.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The server speaks TLS, and was addressed in the clear.
    #[error("the server speaks TLS")]
    WantsTls,
    /// A bounded queue has no room: take what came, or wait for answers.
    #[error("at most {limit} frames can wait")]
    QueueFull {
        /// The bound.
        limit: usize,
    },
    /// There is no connection at the moment; the client is trying to get one.
    #[error("not connected at the moment")]
    Away,
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// A value that the protocol does not allow.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// The operating system has no randomness for a message id.
    #[error("the operating system has no randomness to give")]
    Randomness(#[source] getrandom::Error),
}

impl Error {
    pub(crate) fn lost(source: io::Error) -> Self {
        Self::ConnectionLost(Some(source))
    }

    pub(crate) fn protocol(what: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Protocol {
            what,
            source: Some(source.into()),
        }
    }

    /// For a reply of a type that does not belong to the request.
    pub(crate) fn unexpected(_reply: &Reply) -> Self {
        Self::Protocol {
            what: "the reply is of another request's type",
            source: None,
        }
    }

    /// Whether the server was never reached, or lost on the way.
    pub const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::ConnectionLost(_) | Self::TimedOut(_) | Self::Away
        )
    }
}
