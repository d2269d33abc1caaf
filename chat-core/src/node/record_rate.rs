//! Records that could come with every request, of which only some are written.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many are written within a [`PERIOD`].
const RECORDS: usize = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// When the last records of a kind were written.
#[derive(Debug, Default)]
pub(crate) struct RecordRate {
    written_at: Mutex<VecDeque<Instant>>,
}

impl RecordRate {
    /// Whether one more may be written now, which is then taken for done.
    pub(crate) fn take(&self) -> bool {
        let now = Instant::now();
        let mut written_at = self.written_at.lock().unwrap_or_else(PoisonError::into_inner);
        if written_at.len() >= RECORDS {
            if written_at.front().is_some_and(|&first| now - first < PERIOD) {
                return false;
            }
            written_at.pop_front();
        }
        written_at.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn in_any_second_ten_are_written() {
        let rate = RecordRate::default();
        let mut written = Vec::new();
        for _ in 0..500 {
            if rate.take() {
                written.push(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(7)).await;
        }
        assert_eq!(written[..10].len(), 10);
        for pair in written.windows(11) {
            assert!(pair[10] - pair[0] >= PERIOD, "{pair:?}");
        }
        assert!(written.len() > 30, "{}", written.len());
        assert!(rate.written_at.lock().unwrap().len() <= RECORDS);
    }
}
