//! Rate limits: the generic cell rate algorithm, with debt.
//!
//! Source: ITU-T I.371, annex A (virtual scheduling). Kept here and not taken from a crate because
//! failed logins are charged after the fact: the charge must also count when nothing is left, so
//! that many attempts in flight at once are paid for afterwards.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

/// How much may happen: a burst at once, then a steady rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The time that one takes to be allowed again.
    interval: Duration,
    /// How far ahead of the steady rate one may be.
    tolerance: Duration,
}

impl Rate {
    pub(crate) fn per_second(count: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(1), count, burst)
    }

    pub(crate) fn per_minute(count: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(60), count, burst)
    }

    fn new(period: Duration, count: u32, burst: u32) -> Self {
        let interval = period / count.max(1);
        Self {
            interval,
            tolerance: interval * burst.max(1),
        }
    }
}

/// What is left of a [`Rate`] for one connection, address or name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    /// When everything charged so far would have been allowed at the steady rate.
    settled_at: Option<Instant>,
}

impl Allowance {
    /// Whether one more is allowed now; if not, after which time.
    pub(crate) fn check(&self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let Some(settled_at) = self.settled_at else {
            return Ok(());
        };
        let ahead = settled_at.saturating_duration_since(now) + rate.interval;
        if ahead > rate.tolerance {
            Err(ahead - rate.tolerance)
        } else {
            Ok(())
        }
    }

    /// Charges one, also where nothing is left.
    pub(crate) fn charge(&mut self, rate: Rate, now: Instant) {
        let from = self.settled_at.map_or(now, |settled_at| settled_at.max(now));
        self.settled_at = Some(from + rate.interval);
    }

    /// Charges one where it is allowed.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.check(rate, now)?;
        self.charge(rate, now);
        Ok(())
    }
}

/// Allowances by key; the least recently used are forgotten beyond a bound.
#[derive(Debug)]
pub(crate) struct Allowances<K: Hash + Eq> {
    rate: Rate,
    by_key: Mutex<LruCache<K, Allowance>>,
}

impl<K: Hash + Eq> Allowances<K> {
    pub(crate) fn new(rate: Rate, keys: usize) -> Self {
        let keys = NonZeroUsize::new(keys).unwrap_or(NonZeroUsize::MIN);
        Self {
            rate,
            by_key: Mutex::new(LruCache::new(keys)),
        }
    }

    pub(crate) fn check(&self, key: &K) -> Result<(), Duration> {
        match self.lock().get(key) {
            Some(allowance) => allowance.check(self.rate, Instant::now()),
            None => Ok(()),
        }
    }

    pub(crate) fn charge(&self, key: K) {
        self.lock()
            .get_or_insert_mut(key, Allowance::default)
            .charge(self.rate, Instant::now());
    }

    pub(crate) fn take(&self, key: K) -> Result<(), Duration> {
        self.lock()
            .get_or_insert_mut(key, Allowance::default)
            .take(self.rate, Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<K, Allowance>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_then_the_steady_rate() {
        let rate = Rate::per_second(10, 3);
        let mut allowance = Allowance::default();
        for _ in 0..3 {
            assert_eq!(allowance.take(rate, Instant::now()), Ok(()));
        }
        assert_eq!(
            allowance.take(rate, Instant::now()),
            Err(Duration::from_millis(100))
        );
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(allowance.take(rate, Instant::now()), Ok(()));
        assert!(allowance.take(rate, Instant::now()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn charges_beyond_the_burst_are_owed() {
        let failures = Allowances::new(Rate::per_minute(60, 2), 10);
        for _ in 0..10 {
            failures.charge("alice");
        }
        assert_eq!(failures.check(&"alice"), Err(Duration::from_secs(9)));
        assert_eq!(failures.check(&"bob"), Ok(()));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(failures.check(&"alice"), Ok(()));
    }

    #[test]
    fn keys_beyond_the_bound_are_forgotten() {
        let failures = Allowances::new(Rate::per_minute(1, 1), 2);
        for key in 0..3 {
            failures.charge(key);
        }
        assert_eq!(failures.lock().len(), 2);
        assert!(failures.check(&2).is_err());
        assert!(failures.check(&0).is_ok());
    }
}
