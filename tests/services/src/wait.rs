use std::io;
use std::time::{Duration, Instant};

use backon::{BlockingRetryable as _, ConstantBuilder};

/// How long anything may take before a test fails; only a failure ever waits that long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The time between two looks at a condition.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` answers something.
///
/// # Errors
/// [`TimedOut`](io::ErrorKind::TimedOut), with `what` in its text, where that does not happen before [`DEADLINE`].
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> io::Result<T> {
    let deadline = Instant::now() + DEADLINE;
    (|| condition().ok_or_else(|| late(what)))
        .retry(ConstantBuilder::new().with_delay(PAUSE).without_max_times())
        .when(|_| Instant::now() < deadline)
        .call()
}

pub(crate) fn late(what: impl std::fmt::Display) -> io::Error {
    let seconds = DEADLINE.as_secs();
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("{what}: not within {seconds} seconds"),
    )
}
