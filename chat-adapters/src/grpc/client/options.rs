//! How backends are called.

use std::path::PathBuf;
use std::time::Duration;

use super::super::{DEFAULT_MAX_MESSAGE, Identity};

/// How the backends are called.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The time that a call may take in all: waiting for a backend, the attempt, and one repetition.
    pub call_timeout: Duration,
    /// The longest message that is sent or taken, in bytes.
    pub max_message: usize,
    /// How a connection that stalls is found.
    pub keepalive: Keepalive,
    /// TLS, where the backends ask for it.
    pub tls: Option<ClientTls>,
    /// Tells the trace that the caller's span belongs to, as the value of a `traceparent` header of W3C Trace Context.
    /// Where it answers `None` or no such value, each call is given a trace of its own.
    pub trace: fn() -> Option<String>,
}

impl Default for RemoteOptions {
    /// 4.5 s for a call, messages of 16 MiB, connections looked at each second, no TLS, a trace for each call.
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_millis(4_500),
            max_message: DEFAULT_MAX_MESSAGE,
            keepalive: Keepalive::default(),
            tls: None,
            trace: || None,
        }
    }
}

/// How a connection that stalls is found: by a ping after a silence, also while no call is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// The silence after which the other side is asked whether it is there.
    pub interval: Duration,
    /// The time that it may take to answer, before the connection counts as lost.
    pub timeout: Duration,
}

impl Default for Keepalive {
    /// A ping after 1 s of silence, and 2 s for its answer.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
        }
    }
}

/// TLS towards the backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// A file with the certificates, in PEM, that alone are trusted to sign the backends'; without
    /// one the system's are trusted.
    pub authority: Option<PathBuf>,
    /// Who the node is, for backends that ask for a certificate.
    pub identity: Option<Identity>,
}
