//! Looking after the files of a certificate, and after its expiry.

use std::convert::Infallible;
use std::time::Duration;

use chat_core::{Clock as _, SystemClock, Timestamp};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::certificates::Certificates;

/// The time before the end of a certificate from which on the log says so.
const NOTICE: Duration = Duration::from_secs(14 * DAY);
/// The time between two such warnings.
const WARNING_PAUSE: Duration = Duration::from_secs(DAY);
const DAY: u64 = 24 * 3_600;

impl Certificates {
    /// Looks now and then whether the files hold another certificate, and takes it; warns once a day of one that is
    /// about to expire. It never ends. Cancel safe.
    ///
    /// What cannot be used is told once, and only where the next look finds the same: two files are never replaced at
    /// the same moment.
    pub async fn follow(&self, every: Duration) -> Infallible {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::default();
        loop {
            looks.tick().await;
            self.show_expiry();
            let certificates = self.clone();
            let look = spawn_blocking(move || {
                watch.look(&certificates, SystemClock.now());
                watch
            });
            // It ends early only with the runtime.
            watch = look.await.unwrap_or_default();
        }
    }
}

/// What was seen and told so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// What was wrong at the last look.
    suspected: Option<String>,
    /// What was told of, as long as it stays wrong.
    told: Option<String>,
    warned_at: Option<Timestamp>,
}

impl Watch {
    pub(super) fn look(&mut self, certificates: &Certificates, now: Timestamp) {
        match certificates.read_again() {
            Ok(_) => {
                self.suspected = None;
                self.told = None;
            }
            Err(error) => {
                let what = Some(error.to_string());
                if what == self.suspected && what != self.told {
                    certificates.refused(&error);
                    self.told.clone_from(&what);
                }
                self.suspected = what;
            }
        }
        if self.is_to_warn(certificates.expires_at(), now) {
            warn(certificates, now);
        }
    }

    pub(super) fn is_to_warn(&mut self, expires_at: Timestamp, now: Timestamp) -> bool {
        if now.after(NOTICE) < expires_at {
            self.warned_at = None;
            return false;
        }
        let is_due = self
            .warned_at
            .is_none_or(|warned_at| now.since(warned_at) >= WARNING_PAUSE);
        if is_due {
            self.warned_at = Some(now);
        }
        is_due
    }
}

fn warn(certificates: &Certificates, now: Timestamp) {
    let (file, left) = (certificates.file(), certificates.expires_at().since(now));
    if left.is_zero() {
        tracing::warn!(%file, "the certificate has expired, and clients refuse it: replace it");
    } else {
        let days = left.as_secs() / DAY;
        tracing::warn!(%file, days, "the certificate is valid for few days more: replace it");
    }
}
