//! What goes wrong with Redis, as what the ports report.

use std::sync::Arc;

use chat_core::BackendError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::Address;

/// Why a call to Redis failed. None of the texts holds a password.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum CallError {
    /// There is no connection, so nothing was sent.
    #[error("cannot reach Redis at {address}: {why}")]
    Away { address: String, why: Arc<str> },
    /// Redis refuses the user or the password.
    #[error("Redis at {address} refuses the user or the password: check both in its URL")]
    Refused { address: String },
    /// The connection ended, or the answer came too late.
    #[error("Redis did not answer: {why}")]
    Unanswered { why: Arc<str> },
    /// Redis answered that it did not do it.
    #[error("Redis answered: {answer}")]
    Answered { answer: RedisError },
    /// Redis answered something else than it should have.
    #[error("Redis answered what nobody expects from {command}")]
    Unexpected { command: &'static str },
}

impl CallError {
    pub(super) fn away(address: impl Into<String>, why: impl Into<Arc<str>>) -> Self {
        Self::Away {
            address: address.into(),
            why: why.into(),
        }
    }

    pub(super) fn unanswered(why: impl Into<Arc<str>>) -> Self {
        Self::Unanswered { why: why.into() }
    }

    /// What a failed attempt to connect came to.
    pub(super) fn connecting(address: &Address, error: &RedisError) -> Self {
        let address = address.to_string();
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused { address },
            _ if matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM")) => Self::Refused { address },
            _ => Self::away(address, error.to_string()),
        }
    }

    /// The port's failure. `sent` says whether another part of the same call may have been done.
    pub(super) fn into_backend(self, what: &'static str, sent: Sent) -> BackendError {
        let error = match (&self, sent) {
            (Self::Unexpected { .. }, _) => BackendError::broken(what),
            (Self::Answered { answer }, _) if is_defect(answer) => BackendError::broken(what),
            (Self::Unanswered { .. }, _) | (_, Sent::Partly) => BackendError::unknown(what),
            (Self::Away { .. } | Self::Refused { .. } | Self::Answered { .. }, Sent::Nothing) => {
                BackendError::not_done(what)
            }
        };
        error.because(self)
    }
}

/// What happened to the rest of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nothing else was done.
    Nothing,
    /// Something else was, or may have been, done.
    Partly,
}

impl From<RedisError> for CallError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Answered { answer: error },
            _ => Self::unanswered(error.to_string()),
        }
    }
}

/// Whether asking again cannot help: a command or a script that Redis does not understand.
fn is_defect(answer: &RedisError) -> bool {
    matches!(
        answer.kind(),
        ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::CrossSlot)
    )
}

#[cfg(test)]
mod tests {
    use chat_core::{BackendErrorKind, chain};

    use super::*;

    fn answered(code: &'static str) -> CallError {
        let line = format!("-{code} something\r\n");
        let value = redis::parse_redis_value(line.as_bytes()).unwrap();
        value.extract_error().unwrap_err().into()
    }

    fn kind(error: CallError, sent: Sent) -> BackendErrorKind {
        error.into_backend("publish", sent).kind()
    }

    #[test]
    fn a_failure_says_whether_the_call_was_done() {
        let cases = [
            (CallError::away("h:1", "refused"), BackendErrorKind::NotDone),
            (CallError::unanswered("closed"), BackendErrorKind::Unknown),
            (answered("LOADING"), BackendErrorKind::NotDone),
            (answered("CLUSTERDOWN"), BackendErrorKind::NotDone),
            (answered("READONLY"), BackendErrorKind::NotDone),
            (answered("OOM"), BackendErrorKind::NotDone),
            (answered("ERR"), BackendErrorKind::Broken),
        ];
        for (error, expected) in cases {
            assert_eq!(kind(error.clone(), Sent::Nothing), expected, "{error}");
        }
    }

    #[test]
    fn a_call_that_was_done_in_part_may_have_been_done() {
        assert_eq!(kind(answered("LOADING"), Sent::Partly), BackendErrorKind::Unknown);
    }

    #[test]
    fn the_reason_stands_in_the_log() {
        let error = CallError::away("h:1", "refused").into_backend("cannot publish", Sent::Nothing);
        assert_eq!(
            chain(&error),
            "cannot publish: cannot reach Redis at h:1: refused"
        );
    }
}
