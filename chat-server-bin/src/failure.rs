//! Why the program ends, and with which exit code.

use std::fmt;
use std::process::ExitCode;

/// What kind of thing went wrong; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Anything that has no code of its own.
    Other,
    /// A setting or the command line is wrong.
    Setting,
    /// The address cannot be listened on.
    Listen,
    /// The store cannot be used.
    Store,
    /// An import left rows behind.
    #[cfg(feature = "cluster")]
    Incomplete,
}

/// What `--help` says about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done, or drained after SIGTERM or SIGINT
  1  any other failure, or a second signal cut the draining short
  2  a setting or the command line is wrong
  3  the address cannot be listened on, for example because it is in use
  4  the store cannot be used: not writable, of a newer version, or unreachable
  5  an import is done, but for rows that it lists";

/// A failure that ends the program: one sentence that says what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: FailureKind,
    error: anyhow::Error,
}

impl Failure {
    /// A failure of this kind; the error's text, with its causes, is what the person reads.
    pub(crate) fn new(kind: FailureKind, error: impl Into<anyhow::Error>) -> Self {
        Self {
            kind,
            error: error.into(),
        }
    }

    /// A wrong setting.
    pub(crate) fn setting(sentence: impl fmt::Display) -> Self {
        Self::new(FailureKind::Setting, anyhow::Error::msg(sentence.to_string()))
    }

    /// The code that the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            FailureKind::Other => 1,
            FailureKind::Setting => 2,
            FailureKind::Listen => 3,
            FailureKind::Store => 4,
            #[cfg(feature = "cluster")]
            FailureKind::Incomplete => 5,
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(FailureKind::Other, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
