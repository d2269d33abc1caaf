//! When a lost connection is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// Waits that grow with each failure, with jitter, so that nodes do not come back all at once.
#[derive(Debug)]
pub(crate) struct Retry {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    longest: Duration,
    worked_since: Option<Instant>,
}

impl Retry {
    /// Waits of `shortest` at first and of `longest` at most.
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        // Jitter adds up to the delay itself, so the longest one is half of the bound.
        let longest = longest.max(Duration::from_millis(2));
        let builder = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(shortest.clamp(Duration::from_millis(1), longest / 2))
            .with_max_delay(longest / 2)
            .without_max_times();
        Self {
            builder,
            delays: builder.build(),
            longest,
            worked_since: None,
        }
    }

    /// Remembers that it works now.
    pub(crate) fn works(&mut self) {
        self.worked_since.get_or_insert_with(Instant::now);
    }

    /// The next wait. It starts over where it has worked for a while: a server that closes each
    /// connection at once is not asked in a busy loop.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let worked = self.worked_since.take();
        if worked.is_some_and(|since| since.elapsed() >= self.longest) {
            self.delays = self.builder.build();
        }
        self.delays.next().unwrap_or(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry::new(Duration::from_millis(50), Duration::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_up_to_their_bound() {
        let mut retry = retry();
        let first = retry.next_delay();
        assert!((50..=100).contains(&first.as_millis()), "{first:?}");
        let later: Vec<_> = (0..100).map(|_| retry.next_delay()).skip(10).collect();
        assert!(
            later
                .iter()
                .all(|delay| (500..=1_000).contains(&delay.as_millis())),
            "{later:?}"
        );
        assert!(later.iter().any(|delay| *delay != later[0]), "there is no jitter");
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_has_worked_for_a_while_starts_over() {
        let mut retry = retry();
        for _ in 0..10 {
            retry.works();
            retry.next_delay();
        }
        assert!(retry.next_delay() >= Duration::from_millis(500));
        retry.works();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(retry.next_delay() <= Duration::from_millis(100));
    }
}
