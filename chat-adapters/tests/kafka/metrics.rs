//! What the log counts.

use std::sync::OnceLock;

use chat_adapters::kafka::{KafkaOptions, METRICS};
use chat_core::meters::{Metric, MetricKind, describe};
use libtest_mimic::Trial;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::counted::series;
use crate::mock::Mock;
use crate::scene::{TOPIC, append, eventually, flush, log, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("metrics": &[], {
        every_metric_moves_when_it_should,
    })
}

/// What all tests of the process count.
static COUNTED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Counts for the whole process from now on.
pub(crate) fn install() {
    COUNTED.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap());
    describe(METRICS);
}

async fn every_metric_moves_when_it_should() {
    let counted = COUNTED.get().unwrap();
    let get = |name: &str| series(counted).get(name).copied().unwrap_or_default();
    let mock = Mock::with_topic(TOPIC, 1);
    let options = KafkaOptions {
        buffer: 100,
        in_flight: 50,
        ..mock.options(TOPIC)
    };
    let before = [
        "chat_kafka_delivered_total",
        "chat_kafka_dropped_total",
        "chat_kafka_delivery_seconds_count",
    ]
    .map(get);
    let log = log(&options);
    append(&log, 1..=10);
    flush(&log).await;
    mock.order(|cluster| cluster.broker_down(1).unwrap());
    append(&log, 11..=1_000);
    let mut highest = [0; 3];
    eventually("Kafka is away, and records wait and are on their way", || {
        let now = ["chat_kafka_away", "chat_kafka_waiting", "chat_kafka_in_flight"].map(get);
        // The logs of other tests set the same gauges, to less.
        for (highest, now) in highest.iter_mut().zip(now) {
            *highest = now.max(*highest);
        }
        highest[0] == 1 && highest[1] > 50 && highest[2] > 0
    })
    .await;
    let failure = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED];
    mock.order(move |cluster| {
        MockCluster::request_errors(cluster, RDKafkaApiKey::Produce, &failure);
        cluster.broker_up(1).unwrap();
    });
    flush(&log).await;
    let dropped = i64::try_from(chat_core::ports::EventLog::status(&log).dropped).unwrap();
    eventually("the records are counted", || {
        let after = [
            "chat_kafka_delivered_total",
            "chat_kafka_dropped_total",
            "chat_kafka_delivery_seconds_count",
        ]
        .map(get);
        let arrived = 1_000 - dropped;
        after[0] >= before[0] + arrived && after[1] >= before[1] + dropped && after[2] >= before[2] + arrived
    })
    .await;
    assert!(dropped > 0);
    assert!(get("chat_kafka_delivery_errors_total{kind=\"rights\"}") > 0);
    assert!(get("chat_kafka_producers_total") >= 2);
    drop(log);
    every_series_is_listed(counted);
}

/// What is counted is what the catalogue lists, and nothing else.
fn every_series_is_listed(counted: &PrometheusHandle) {
    let names = |metric: &Metric| {
        assert!(
            (metric.kind == MetricKind::Counter) == metric.name.ends_with("_total"),
            "{}",
            metric.name
        );
        let (name, labels) = (metric.name, metric.labels);
        let parts: &[&str] = match metric.kind {
            MetricKind::Histogram => &["_count", "_sum"],
            MetricKind::Counter | MetricKind::Gauge => &[""],
        };
        let named = move |values: Vec<&str>| {
            let pairs = labels.iter().zip(values);
            let pairs: Vec<_> = pairs
                .map(|(label, value)| format!("{}=\"{value}\"", label.name))
                .collect();
            let pairs = match pairs.as_slice() {
                [] => String::new(),
                pairs => format!("{{{}}}", pairs.join(",")),
            };
            parts.iter().map(move |part| format!("{name}{part}{pairs}"))
        };
        metric.series().into_iter().flat_map(named).collect::<Vec<_>>()
    };
    let mut listed: Vec<_> = METRICS.iter().flat_map(names).collect();
    listed.sort();
    let found: Vec<_> = series(counted).into_keys().collect();
    assert_eq!(found, listed);
}
