//! What the registry counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chat_adapters::zookeeper::METRICS;
use chat_test_services::ZooKeeper;
use libtest_mimic::Trial;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::scene::{announce, peer, registry, trials, until};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "metrics": {
            what_is_counted_is_what_is_listed,
        }
    }
}

/// Keeps the sum of each counter and the bits of each gauge: all tests of the process count here.
#[derive(Clone, Default)]
struct Meters(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

static METERS: OnceLock<Meters> = OnceLock::new();

/// Counts for the whole process from now on.
pub(crate) fn install() {
    let meters = METERS.get_or_init(Meters::default);
    metrics::set_global_recorder(meters.clone()).unwrap();
}

impl Meters {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(values.entry(key.name().to_owned()).or_default())
    }

    fn values(&self) -> BTreeMap<String, u64> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let values = values.iter();
        values
            .map(|(name, value)| (name.clone(), value.load(Ordering::Relaxed)))
            .collect()
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

async fn what_is_counted_is_what_is_listed() {
    let meters = METERS.get().unwrap();
    let before = meters.values();
    let zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    until(&backend, &[one]).await;
    let after = meters.values();
    for counter in ["sessions", "listings", "registrations"] {
        let name = format!("chat_zookeeper_{counter}_total");
        assert!(after.get(&name) > before.get(&name), "{name}");
    }
    let listed: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
    let counted: Vec<_> = after.keys().map(String::as_str).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(counted, sorted);
}
