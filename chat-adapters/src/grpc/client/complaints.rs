//! Failed calls in the log, at a bounded rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets one line a second pass, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    withheld: u64,
}

impl Complaints {
    /// Whether a line may be written now: then how many were withheld since the last.
    pub(super) fn may_write(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| last.elapsed() < PAUSE) {
            state.withheld = state.withheld.saturating_add(1);
            return None;
        }
        state.last = Some(Instant::now());
        Some(std::mem::take(&mut state.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_a_second_passes_and_says_how_many_did_not() {
        let complaints = Complaints::default();
        assert_eq!(complaints.may_write(), Some(0));
        assert_eq!((complaints.may_write(), complaints.may_write()), (None, None));
        tokio::time::advance(PAUSE).await;
        assert_eq!(complaints.may_write(), Some(2));
    }
}
