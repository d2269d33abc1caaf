//! Handshakes that fail, each reason told to the log now and then and not again and again.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::{Error, InvalidMessage};
use tokio::time::Instant;

use super::meters::HANDSHAKES;

/// How a handshake can end, as the counter has it: well, or for one of the reasons.
pub(super) const OUTCOMES: &[&str] = &[
    SUCCESS,
    "plain_text",
    "refused",
    "incompatible",
    "malformed",
    "late",
    "gone",
];
/// The outcome of one that did not fail.
pub(super) const SUCCESS: &str = "ok";

/// The time between two lines about the same reason; the counter has them all.
const PAUSE: Duration = Duration::from_secs(60);

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The client does not speak TLS.
    PlainText,
    /// It takes the certificate for none that it can trust.
    Refused(String),
    /// It and the server have no version, no cipher or no protocol in common.
    Incompatible(String),
    /// It breaks the rules of TLS.
    Malformed(String),
    /// It was not done in time.
    Late,
    /// The client went away, as health checks do.
    Gone,
}

impl Failure {
    /// What the error of a handshake means.
    pub(super) fn of(error: &io::Error) -> Self {
        let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) else {
            return Self::Gone;
        };
        match cause {
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::PlainText,
            Error::AlertReceived(_) => Self::Refused(cause.to_string()),
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
                Self::Incompatible(cause.to_string())
            }
            _ => Self::Malformed(cause.to_string()),
        }
    }

    /// Its name in the log and in the counter.
    const fn name(&self) -> &'static str {
        match self {
            Self::PlainText => "plain_text",
            Self::Refused(_) => "refused",
            Self::Incompatible(_) => "incompatible",
            Self::Malformed(_) => "malformed",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::PlainText => "it does not begin as TLS does: the client has to be told to use TLS",
            Self::Refused(why) | Self::Incompatible(why) | Self::Malformed(why) => why,
            Self::Late => "the handshake was not done in time",
            Self::Gone => "the client went away",
        }
    }
}

/// Counts and tells what failed.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Vec<(&'static str, Instant)>>);

impl Failures {
    /// A connection was closed.
    pub(super) fn tell(&self, peer: IpAddr, failure: &Failure) {
        let (reason, why) = (failure.name(), failure.why());
        HANDSHAKES.count(&[reason]).increment(1);
        if *failure != Failure::Gone && self.is_due(reason) {
            tracing::warn!(
                %peer,
                reason,
                why,
                "a connection was closed because its TLS handshake failed. This is said once a minute for each reason"
            );
        }
    }

    /// Whether the reason was not told of for a while. There are only a few reasons to remember.
    fn is_due(&self, reason: &'static str) -> bool {
        let now = Instant::now();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| now < *at + PAUSE);
        let is_due = told.iter().all(|(of, _)| *of != reason);
        if is_due {
            told.push((reason, now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, PeerIncompatible};

    use super::*;

    fn failure(error: Error) -> &'static str {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        Failure::of(&error).name()
    }

    #[test]
    fn reasons_are_told_apart() {
        let plain = InvalidMessage::InvalidContentType;
        assert_eq!(failure(Error::InvalidMessage(plain)), "plain_text");
        let alert = AlertDescription::UnknownCA;
        assert_eq!(failure(Error::AlertReceived(alert)), "refused");
        let old = PeerIncompatible::SupportedVersionsExtensionRequired;
        assert_eq!(failure(Error::PeerIncompatible(old)), "incompatible");
        assert_eq!(failure(Error::NoApplicationProtocol), "incompatible");
        assert_eq!(failure(Error::DecryptError), "malformed");
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(Failure::of(&reset).name(), "gone");
    }

    #[test]
    fn every_reason_is_counted_by_its_name() {
        let text = String::new;
        for failure in [
            Failure::PlainText,
            Failure::Refused(text()),
            Failure::Incompatible(text()),
            Failure::Malformed(text()),
            Failure::Late,
            Failure::Gone,
        ] {
            assert!(OUTCOMES.contains(&failure.name()), "{failure:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_reason_is_told_once_a_minute() {
        let failures = Failures::default();
        let told = ["late", "late", "plain_text", "late"].map(|reason| failures.is_due(reason));
        assert_eq!(told, [true, false, true, false]);
        tokio::time::advance(PAUSE).await;
        assert!(failures.is_due("late"));
    }
}
