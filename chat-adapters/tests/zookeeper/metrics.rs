//! What the registry counts.

use std::sync::OnceLock;

use chat_adapters::zookeeper::METRICS;
use chat_test_services::ZooKeeper;
use libtest_mimic::Trial;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::counted::series;
use crate::scene::{announce, peer, registry, trials, until};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "metrics": {
            what_is_counted_is_what_is_listed,
        }
    }
}

/// What all tests of the process count.
static COUNTED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Counts for the whole process from now on.
pub(crate) fn install() {
    COUNTED.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap());
}

async fn what_is_counted_is_what_is_listed() {
    let counted = COUNTED.get().unwrap();
    let before = series(counted);
    let zookeeper = ZooKeeper::start().unwrap();
    let backend = registry(zookeeper.address());
    let one = peer("b-1", "a:1");
    let _one = announce(&backend, &one).await;
    until(&backend, &[one]).await;
    let after = series(counted);
    for counter in ["sessions", "listings", "registrations"] {
        let name = format!("chat_zookeeper_{counter}_total");
        assert!(after.get(&name) > before.get(&name), "{name}");
    }
    let listed: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
    let found: Vec<_> = after.keys().map(String::as_str).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(found, sorted);
}
