//! What the log counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_adapters::kafka::{KafkaOptions, METRICS};
use chat_core::meters::{Metric, MetricKind, describe};
use libtest_mimic::Trial;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::mock::Mock;
use crate::scene::{TOPIC, append, eventually, flush, log, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("metrics": &[], {
        every_metric_moves_when_it_should,
    })
}

/// Keeps the sum of each counter, the number of values of each histogram, and the highest value of each gauge: all tests
/// of the process count here.
#[derive(Clone, Default)]
pub(crate) struct Meters(Arc<Mutex<HashMap<String, Arc<Value>>>>);

#[derive(Default)]
struct Value(AtomicU64);

impl Meters {
    /// Counts for the whole process.
    pub(crate) fn install() -> Self {
        let meters = Self::default();
        metrics::set_global_recorder(meters.clone()).unwrap();
        describe(METRICS);
        meters
    }

    fn values(&self) -> MutexGuard<'_, HashMap<String, Arc<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, key: &Key) -> Arc<Value> {
        let labels = key
            .labels()
            .map(|label| format!(" {}={}", label.key(), label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        Arc::clone(self.values().entry(name).or_default())
    }

    fn get(&self, name: &str) -> Option<u64> {
        self.values()
            .get(name)
            .map(|value| value.0.load(Ordering::Relaxed))
    }
}

impl CounterFn for Value {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl GaugeFn for Value {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.fetch_max(value as u64, Ordering::Relaxed);
    }
}

impl HistogramFn for Value {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
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

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.of(key))
    }
}

/// The one that counts for this process.
pub(crate) static METERS: std::sync::OnceLock<Meters> = std::sync::OnceLock::new();

async fn every_metric_moves_when_it_should() {
    let meters = METERS.get().unwrap();
    let get = |name: &str| meters.get(name).unwrap_or_default();
    let mock = Mock::with_topic(TOPIC, 1);
    let options = KafkaOptions {
        buffer: 100,
        in_flight: 50,
        ..mock.options(TOPIC)
    };
    let before = [
        "chat_kafka_delivered_total",
        "chat_kafka_dropped_total",
        "chat_kafka_delivery_seconds",
    ]
    .map(get);
    let log = log(&options);
    append(&log, 1..=10);
    flush(&log).await;
    mock.order(|cluster| cluster.broker_down(1).unwrap());
    append(&log, 11..=1_000);
    eventually("Kafka is away", || get("chat_kafka_away") == 1).await;
    let failure = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED];
    mock.order(move |cluster| {
        MockCluster::request_errors(cluster, RDKafkaApiKey::Produce, &failure);
        cluster.broker_up(1).unwrap();
    });
    flush(&log).await;
    let dropped = chat_core::ports::EventLog::status(&log).dropped;
    eventually("the records are counted", || {
        let after = [
            "chat_kafka_delivered_total",
            "chat_kafka_dropped_total",
            "chat_kafka_delivery_seconds",
        ]
        .map(get);
        let arrived = 1_000 - dropped;
        after[0] >= before[0] + arrived && after[1] >= before[1] + dropped && after[2] >= before[2] + arrived
    })
    .await;
    assert!(dropped > 0);
    assert!(get("chat_kafka_delivery_errors_total kind=rights") > 0);
    assert!(get("chat_kafka_producers_total") >= 2);
    assert!(get("chat_kafka_waiting") > 50);
    assert!(get("chat_kafka_in_flight") > 0);
    drop(log);
    every_series_is_listed(meters);
}

/// What is counted is what the catalogue lists, and nothing else.
fn every_series_is_listed(meters: &Meters) {
    let series = |metric: &Metric| {
        assert!(
            (metric.kind == MetricKind::Counter) == metric.name.ends_with("_total"),
            "{}",
            metric.name
        );
        let names: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
        let named = move |values: Vec<&str>| {
            let labels = names
                .iter()
                .zip(values)
                .map(|(name, value)| format!(" {name}={value}"));
            format!("{}{}", metric.name, labels.collect::<String>())
        };
        metric.series().into_iter().map(named).collect::<Vec<_>>()
    };
    let mut listed: Vec<_> = METRICS.iter().flat_map(series).collect();
    let mut counted: Vec<_> = meters.values().keys().cloned().collect();
    listed.sort();
    counted.sort();
    assert_eq!(counted, listed);
}
