//! What a failed command tells its user, and its exit code.

use std::process::ExitCode;

use chat_client::{Error, TlsFailure};
use chat_core::protocol::ErrorReply;
use chat_core::{ErrorCode, GoodbyeCode};

use super::text::visible;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, or what it refers to, is wrong; the sentence says what to do.
    Usage(String),
    /// The server or the way to it.
    Client(Error),
    /// A load saw messages lost, repeated, misdirected or out of order.
    Violations,
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// Prints one sentence to standard error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("chat: {}", self.sentence());
        ExitCode::from(self.exit_code())
    }

    const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Client(Error::Invalid(_)) => 2,
            Self::Client(Error::Refused(_) | Error::Goodbye(_)) => 3,
            Self::Client(error) if error.is_unreachable() => 4,
            Self::Client(_) | Self::Other(_) => 1,
            Self::Violations => 5,
        }
    }

    /// What went wrong and what to do next.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Usage(sentence) => visible(sentence),
            Self::Client(error) => explain(error),
            Self::Violations => {
                "messages were lost, repeated, misdirected or out of order; keep the server's log, and report it".to_owned()
            }
            Self::Other(error) => visible(&format!("{error:#}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

fn explain(error: &Error) -> String {
    let what = visible(&chat_core::chain(error));
    let next = match error {
        Error::Refused(refusal) => return explain_refusal(refusal),
        Error::Unreachable { source, .. } => match TlsFailure::of(source) {
            Some(failure) => advice_on(failure),
            None => "start the server, or name another one with --server",
        },
        Error::WantsTls => "add --tls",
        Error::ConnectionLost(_) | Error::TimedOut(_) => {
            "it may have been done; check, or try again (a message sent again with the same --id is stored once)"
        }
        Error::Goodbye(goodbye) => match goodbye.code {
            GoodbyeCode::Replaced => "give this one a device of its own with --device",
            GoodbyeCode::Expelled => "ask the server's operator",
            _ => "try again in a while",
        },
        Error::Protocol { .. } => "check that --server names a chat server",
        Error::QueueFull { .. } => "wait until some are answered",
        Error::Away => "wait until the connection is back",
        _ => "try again",
    };
    format!("{what}; {next}")
}

/// What to do about a server that cannot be trusted.
const fn advice_on(failure: &TlsFailure) -> &'static str {
    match failure {
        TlsFailure::UnknownAuthority => "where it is your own, name the file of its authority with --ca",
        TlsFailure::WrongName { .. } => "name the server with --server as its certificate does",
        TlsFailure::NotYetValid => "set the clock, or tell the server's operator",
        TlsFailure::NotTls | TlsFailure::Silent(_) | TlsFailure::Ended => {
            "leave out --tls where it has none, or check the port"
        }
        _ => "tell the server's operator",
    }
}

fn explain_refusal(refusal: &ErrorReply) -> String {
    let what = visible(&refusal.message);
    let next = match refusal.code {
        ErrorCode::InvalidCredentials => "check the name and the password, or log in again with `chat login`",
        ErrorCode::Unauthenticated => "log in first with `chat login`",
        ErrorCode::NameTaken => "choose another name",
        ErrorCode::NotFound => "check the name or the id",
        ErrorCode::Forbidden => "for a group, join it first",
        ErrorCode::BadFrame => "check what was given",
        ErrorCode::Internal => "tell the server's operator",
        ErrorCode::RateLimited | ErrorCode::Unavailable => return format!("{what}; {}", again(refusal)),
        _ => "try again",
    };
    format!("{what}; {next}")
}

fn again(refusal: &ErrorReply) -> String {
    match refusal.retry_after_ms {
        Some(millis) => format!("try again in {} s", millis.div_ceil(1_000)),
        None => "try again in a while".to_owned(),
    }
}
