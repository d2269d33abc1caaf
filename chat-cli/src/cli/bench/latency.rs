//! Latencies, gathered and summed up.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Microseconds are told apart to three digits.
const DIGITS: u8 = 3;

/// Latencies in microseconds.
#[derive(Debug)]
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new(DIGITS)?))
    }

    /// Adds what took so many nanoseconds.
    #[inline]
    pub(super) fn record(&mut self, nanoseconds: u64) {
        self.record_many(nanoseconds, 1);
    }

    #[inline]
    pub(super) fn record_many(&mut self, nanoseconds: u64, count: u64) {
        // It grows to take any value, unless its memory ended first; then the highest that fits stands for it.
        let micros = (nanoseconds + 500) / 1_000;
        if self.0.record_n(micros, count).is_err() {
            self.0.saturating_record_n(micros, count);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn summary(&self) -> anyhow::Result<Latency> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes)?;
        Ok(Latency {
            count: self.0.len(),
            mean_us: self.0.mean(),
            p50_us: self.0.value_at_quantile(0.5),
            p90_us: self.0.value_at_quantile(0.9),
            p99_us: self.0.value_at_quantile(0.99),
            p999_us: self.0.value_at_quantile(0.999),
            max_us: self.0.max(),
            histogram: BASE64_STANDARD.encode(bytes),
        })
    }
}

/// What a histogram says, and the histogram itself in the form that HDR histograms are exchanged in: V2, compressed, base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) count: u64,
    pub(super) mean_us: f64,
    pub(super) p50_us: u64,
    pub(super) p90_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    pub(super) max_us: u64,
    pub(super) histogram: String,
}

impl Latency {
    /// Both together.
    pub(super) fn merged_with(&self, other: &Self) -> anyhow::Result<Self> {
        // A histogram that was read back has the range that it was written with; a new one grows.
        let mut both = Latencies::new()?;
        for latency in [self, other] {
            both.0.add(latency.decode()?)?;
        }
        both.summary()
    }

    fn decode(&self) -> anyhow::Result<Histogram<u64>> {
        let bytes = BASE64_STANDARD.decode(&self.histogram)?;
        Ok(Deserializer::new().deserialize(&mut bytes.as_slice())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_latencies_are_those_of_all() {
        let (mut low, mut high, mut all) = (
            Latencies::new().unwrap(),
            Latencies::new().unwrap(),
            Latencies::new().unwrap(),
        );
        for micros in 1..=1_000 {
            let nanoseconds = micros * 1_000;
            all.record(nanoseconds);
            if micros <= 900 {
                low.record(nanoseconds);
            } else {
                high.record(nanoseconds);
            }
        }
        let merged = low
            .summary()
            .unwrap()
            .merged_with(&high.summary().unwrap())
            .unwrap();
        assert_eq!(merged, all.summary().unwrap());
        assert_eq!((merged.count, merged.p50_us, merged.max_us), (1_000, 500, 1_000));
    }

    #[test]
    fn ranges_that_are_far_apart_are_merged_too() {
        let [short, long] = [1_000, 60_000_000_000_u64].map(|nanoseconds| {
            let mut latencies = Latencies::new().unwrap();
            latencies.record(nanoseconds);
            latencies.summary().unwrap()
        });
        for merged in [short.merged_with(&long), long.merged_with(&short)] {
            assert_eq!(merged.unwrap().count, 2);
        }
    }
}
