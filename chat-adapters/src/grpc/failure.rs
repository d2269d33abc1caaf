//! What a failed call means for what was asked for, on both sides of the wire.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::iter;

use chat_core::{BackendError, BackendErrorKind, chain};
use tonic::{Code, ConnectError, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::conversion::Invalid;

/// Whose reasons they are.
const DOMAIN: &str = "chat.backend.v1";
const NOT_DONE: &str = "NOT_DONE";
const MAY_HAVE_HAPPENED: &str = "MAY_HAVE_HAPPENED";
const BROKEN: &str = "BROKEN";

/// What the message of a status may take, in bytes.
const MESSAGE_BYTES: usize = 1_024;

/// A status with the reason that tells what kind of failure it is.
fn status(code: Code, kind: BackendErrorKind, message: &str) -> Status {
    let reason = match kind {
        BackendErrorKind::NotDone => NOT_DONE,
        BackendErrorKind::Unknown => MAY_HAVE_HAPPENED,
        BackendErrorKind::Broken => BROKEN,
    };
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    let end = message.floor_char_boundary(MESSAGE_BYTES);
    Status::with_error_details(code, message.get(..end).unwrap_or_default(), details)
}

/// Answers that nothing was done, for a reason that is the backend's own and not its store's.
pub(super) fn not_done(message: &str) -> Status {
    status(Code::Unavailable, BackendErrorKind::NotDone, message)
}

/// Answers what the store's failure says.
pub(super) fn of_store(error: &BackendError) -> Status {
    let code = match error.kind() {
        BackendErrorKind::NotDone => Code::Unavailable,
        BackendErrorKind::Unknown => Code::Aborted,
        BackendErrorKind::Broken => Code::Internal,
    };
    status(code, error.kind(), &chain(error))
}

/// Answers that a call was given up at its deadline, and may have been done all the same.
pub(super) fn too_late(message: &str) -> Status {
    status(Code::DeadlineExceeded, BackendErrorKind::Unknown, message)
}

/// Answers that a request cannot be right.
pub(super) fn not_right(message: &str) -> Status {
    status(Code::InvalidArgument, BackendErrorKind::Broken, message)
}

impl From<Invalid> for Status {
    fn from(error: Invalid) -> Self {
        not_right(&error.to_string())
    }
}

/// An answer that cannot be right.
impl From<Invalid> for BackendError {
    fn from(error: Invalid) -> Self {
        Self::broken("the backend answered what cannot be right").because(error)
    }
}

/// What a call came to that ended with `status`, at the caller.
pub(super) fn of_call(status: &Status) -> BackendError {
    let kind = reason(status).unwrap_or_else(|| match status.source() {
        Some(transport) if never_arrived(transport) => BackendErrorKind::NotDone,
        // The code is a guess of this side's, since the backend has answered nothing.
        Some(_) => BackendErrorKind::Unknown,
        None => of_code(status.code()),
    });
    let what = "the call to a backend failed";
    let error = match kind {
        BackendErrorKind::NotDone => BackendError::not_done(what),
        BackendErrorKind::Unknown => BackendError::unknown(what),
        BackendErrorKind::Broken => BackendError::broken(what),
    };
    error.because(Failed::from(status))
}

/// What the backend says of the call.
fn reason(status: &Status) -> Option<BackendErrorKind> {
    let info = status.get_details_error_info()?;
    match info.reason.as_str() {
        _ if info.domain != DOMAIN => None,
        NOT_DONE => Some(BackendErrorKind::NotDone),
        MAY_HAVE_HAPPENED => Some(BackendErrorKind::Unknown),
        BROKEN => Some(BackendErrorKind::Broken),
        _ => None,
    }
}

/// What a code means where no reason comes with it; the head of `proto/backend.proto` has the table.
const fn of_code(code: Code) -> BackendErrorKind {
    match code {
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::ResourceExhausted
        | Code::Internal
        | Code::DataLoss => BackendErrorKind::Broken,
        Code::PermissionDenied | Code::Unauthenticated => BackendErrorKind::NotDone,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::Aborted
        | Code::Unavailable => BackendErrorKind::Unknown,
    }
}

/// Whether a failure of the connection tells that the backend has not seen the call.
fn never_arrived(transport: &(dyn StdError + 'static)) -> bool {
    iter::successors(Some(transport), |error| (*error).source()).any(|error| {
        // The connection was not made, or the call was not written to it.
        error.is::<ConnectError>()
            || error.downcast_ref().is_some_and(hyper::Error::is_canceled)
            || error.downcast_ref().is_some_and(was_turned_away)
    })
}

/// Whether the peer says that it did not begin with a call. A GOAWAY reaches only the calls that came after the last
/// one that the peer has taken.
fn was_turned_away(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// What is told of a call that failed, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl From<&Status> for Failed {
    fn from(status: &Status) -> Self {
        let mut text = format!("{:?}", status.code());
        for part in [Some(status.message().to_owned()), status.source().map(chain)] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                text += ": ";
                text += &part;
            }
        }
        text.truncate(text.floor_char_boundary(MESSAGE_BYTES));
        Self(text)
    }
}

#[cfg(test)]
mod tests;
