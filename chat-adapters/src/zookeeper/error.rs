//! What goes wrong with ZooKeeper.

use std::sync::Arc;

use tokio::time::error::Elapsed;
use zookeeper_client::{Error as ClientError, MultiWriteError};

/// Why something could not be done in ZooKeeper. None of the texts holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// It cannot be asked now; the session may go on.
    #[error("{why}")]
    Away { why: Arc<str> },
    /// The session is over, and another one must be made.
    #[error("{why}")]
    Over { why: Arc<str> },
    /// The server takes no such request of this user.
    #[error("ZooKeeper refuses: {why}: check the user, the password and the rights to the folder")]
    Refused { why: Arc<str> },
    /// Somebody else was faster: what the request builds on is so no more.
    #[error("others changed the same announcement at the same time")]
    Raced,
    /// Another process, alive, has announced the same name later.
    #[error("another process has announced the name of this one, which stays out while that one lives")]
    Replaced,
    /// The registry was closed.
    #[error("the registry was closed")]
    Closed,
}

impl CallError {
    pub(super) fn away(why: impl Into<Arc<str>>) -> Self {
        Self::Away { why: why.into() }
    }

    pub(super) fn over(why: impl Into<Arc<str>>) -> Self {
        Self::Over { why: why.into() }
    }
}

impl From<ClientError> for CallError {
    fn from(error: ClientError) -> Self {
        let why = error.to_string().into();
        match error {
            ClientError::NoNode | ClientError::NodeExists | ClientError::BadVersion => Self::Raced,
            ClientError::NoAuth
            | ClientError::InvalidAcl
            | ClientError::NotEmpty
            | ClientError::NoChildrenForEphemerals
            | ClientError::QuotaExceeded
            | ClientError::BadArguments(_)
            | ClientError::MarshallingError
            | ClientError::Unimplemented => Self::Refused { why },
            // The client says so as well where its task has failed, which nothing else can tell.
            ClientError::UnexpectedError(_)
            | ClientError::SessionExpired
            | ClientError::SessionMoved
            | ClientError::AuthFailed
            | ClientError::ClientClosed => Self::Over { why },
            _ => Self::Away { why },
        }
    }
}

impl From<MultiWriteError> for CallError {
    fn from(error: MultiWriteError) -> Self {
        ClientError::from(error).into()
    }
}

impl From<Elapsed> for CallError {
    fn from(_: Elapsed) -> Self {
        Self::away("it did not answer in time")
    }
}
