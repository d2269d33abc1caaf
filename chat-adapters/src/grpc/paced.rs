//! Failed calls in the log, on both sides, at a bounded rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The span of time in which [`LINES`] are let through.
const SPAN: Duration = Duration::from_secs(10);
const LINES: u64 = 10;

/// Lets a bounded number of lines through in each span of time, and counts the others.
#[derive(Debug, Default)]
pub(in crate::grpc) struct Paced(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    begin: Option<Instant>,
    seen: u64,
}

impl Paced {
    /// Whether a line may be written now; and how many could not be since the last span in which some could not.
    pub(in crate::grpc) fn admit(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut withheld = 0;
        if state.begin.is_none_or(|begin| now >= begin + SPAN) {
            withheld = state.seen.saturating_sub(LINES);
            *state = State {
                begin: Some(now),
                seen: 0,
            };
        }
        state.seen += 1;
        (state.seen <= LINES).then_some(withheld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_writes_few_lines_and_is_counted() {
        let paced = Paced::default();
        let admitted = (0..1_000).filter(|_| paced.admit().is_some()).count();
        assert_eq!(admitted, 10);
        tokio::time::advance(SPAN).await;
        assert_eq!(paced.admit(), Some(990));
        assert_eq!(paced.admit(), Some(0));
    }
}
