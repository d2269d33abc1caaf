//! How long things took since somebody asked last.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest duration told apart, in microseconds: a minute.
const LONGEST: u64 = 60_000_000;
/// How many decimal digits of a duration count. With two, a histogram takes 17 KiB.
const DIGITS: u8 = 2;

/// The durations of one kind of call since the last [`take`](Self::take).
///
/// Beside the `metrics` facade, which gives nothing back: this is what the node tells of itself.
#[derive(Debug)]
pub(crate) struct Latency {
    /// `None` only where the bounds above were wrong.
    micros: Mutex<Option<Histogram<u32>>>,
}

/// What is told of many durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Latency {
    pub(super) fn new() -> Self {
        Self {
            micros: Mutex::new(Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()),
        }
    }

    /// Adds durations. What takes longer than a minute counts as a minute.
    pub(super) fn add(&self, durations: impl IntoIterator<Item = Duration>) {
        let mut micros = self.micros.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(micros) = &mut *micros {
            for duration in durations {
                let duration = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
                micros.saturating_record(duration.min(LONGEST));
            }
        }
    }

    /// What came since the last time; `None` where nothing did.
    pub(crate) fn take(&self) -> Option<Quantiles> {
        let mut micros = self.micros.lock().unwrap_or_else(PoisonError::into_inner);
        let micros = micros.as_mut().filter(|micros| !micros.is_empty())?;
        let at = |quantile| Duration::from_micros(micros.value_at_quantile(quantile));
        let quantiles = Quantiles {
            p50: at(0.5),
            p99: at(0.99),
        };
        micros.reset();
        Some(quantiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_came_since_the_last_time() {
        let latency = Latency::new();
        assert_eq!(latency.take(), None);
        latency.add((1..=1_000).map(Duration::from_millis));
        let Quantiles { p50, p99 } = latency.take().unwrap();
        assert!((495..=505).contains(&p50.as_millis()), "{p50:?}");
        assert!((980..=1_000).contains(&p99.as_millis()), "{p99:?}");
        assert_eq!(latency.take(), None);
    }

    #[test]
    fn memory_does_not_grow_and_nothing_is_too_long() {
        let latency = Latency::new();
        latency.add([Duration::MAX, Duration::ZERO]);
        let size = |latency: &Latency| latency.micros.lock().unwrap().as_ref().unwrap().distinct_values();
        let before = size(&latency);
        latency.add((0..100_000).map(|count| Duration::from_micros(count * 997)));
        assert_eq!(size(&latency), before);
        assert!(before * size_of::<u32>() < 20_000, "{before}");
        assert!(latency.take().unwrap().p99 <= Duration::from_secs(61));
    }
}
