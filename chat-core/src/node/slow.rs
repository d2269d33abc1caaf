//! Requests that took long, of which only some are recorded.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many are recorded within a [`PERIOD`].
const RECORDS: usize = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// When the last slow requests were recorded.
#[derive(Debug, Default)]
pub(crate) struct SlowRequests {
    recorded_at: Mutex<VecDeque<Instant>>,
}

impl SlowRequests {
    /// Whether one more may be recorded now, which is then taken for done.
    pub(crate) fn take(&self) -> bool {
        let now = Instant::now();
        let mut recorded_at = self.recorded_at.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded_at.len() >= RECORDS {
            if recorded_at.front().is_some_and(|&first| now - first < PERIOD) {
                return false;
            }
            recorded_at.pop_front();
        }
        recorded_at.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn in_any_second_ten_are_recorded() {
        let slow = SlowRequests::default();
        let mut recorded = Vec::new();
        for _ in 0..500 {
            if slow.take() {
                recorded.push(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(7)).await;
        }
        assert_eq!(recorded[..10].len(), 10);
        for pair in recorded.windows(11) {
            assert!(pair[10] - pair[0] >= PERIOD, "{pair:?}");
        }
        assert!(recorded.len() > 30, "{}", recorded.len());
        assert!(slow.recorded_at.lock().unwrap().len() <= RECORDS);
    }
}
