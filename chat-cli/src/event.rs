//! What a client tells its application.

use std::sync::Arc;
use std::time::Duration;

use chat_core::protocol::{ErrorReply, Event, Goodbye, Welcome};

use crate::error::Error;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server told something. Messages come once each, whatever happens to the connection.
    Server(Event),
    /// The connection was lost; the client tries again after `retry_in`. Told for each attempt.
    Disconnected {
        /// Why, in plain words.
        reason: String,
        /// The wait before the next attempt.
        retry_in: Duration,
    },
    /// There is a connection again, and a new session on it.
    Reconnected(Arc<Welcome>),
}

/// How the client's connection is.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    Connected(Arc<Welcome>),
    Reconnecting { reason: String, retry_in: Duration },
}

impl From<Status> for ClientEvent {
    fn from(status: Status) -> Self {
        match status {
            Status::Connected(welcome) => Self::Reconnected(welcome),
            Status::Reconnecting { reason, retry_in } => Self::Disconnected { reason, retry_in },
        }
    }
}

/// Why a client is over.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Closed,
    Goodbye(Goodbye),
    Refused(ErrorReply),
}

impl From<&End> for Error {
    fn from(end: &End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::Goodbye(goodbye) => Self::Goodbye(goodbye.clone()),
            End::Refused(refusal) => Self::Refused(refusal.clone()),
        }
    }
}
