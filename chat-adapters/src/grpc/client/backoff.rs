//! When a backend, or the registry, is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(50);
/// Jitter adds up to the delay itself, so the longest wait is twice this.
const LONGEST: Duration = Duration::from_millis(500);

/// Waits that grow with each failure, with jitter, so that nodes do not come back all at once.
#[derive(Debug)]
pub(super) struct Backoff {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    worked_since: Option<Instant>,
}

impl Backoff {
    pub(super) fn new() -> Self {
        let builder = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(SHORTEST)
            .with_max_delay(LONGEST)
            .without_max_times();
        Self {
            builder,
            delays: builder.build(),
            worked_since: None,
        }
    }

    /// Remembers that it works now.
    pub(super) fn works(&mut self) {
        self.worked_since.get_or_insert_with(Instant::now);
    }

    /// The next wait. It starts over where it has worked for a while: a server that closes each
    /// connection at once is not asked in a busy loop.
    pub(super) fn next_delay(&mut self) -> Duration {
        let worked = self.worked_since.take();
        if worked.is_some_and(|since| since.elapsed() >= 2 * LONGEST) {
            self.delays = self.builder.build();
        }
        self.delays.next().unwrap_or(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_second_and_start_over_once_it_has_worked() {
        let mut backoff = Backoff::new();
        assert!((50..=100).contains(&backoff.next_delay().as_millis()));
        for _ in 0..10 {
            backoff.works();
            backoff.next_delay();
        }
        assert!((500..=1_000).contains(&backoff.next_delay().as_millis()));
        backoff.works();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!((50..=100).contains(&backoff.next_delay().as_millis()));
    }
}
