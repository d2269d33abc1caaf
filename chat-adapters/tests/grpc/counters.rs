//! What a backend counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::MemoryStore;
use chat_core::ports::Stores;
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tonic::Request;

use crate::backend::{Backend, Hanging, look_up, until, within};
use crate::proto;
use crate::proto::user_service_client::UserServiceClient;

/// The values of all series, by their names and labels.
#[derive(Clone, Debug, Default)]
struct Values(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

/// Counts how often something was measured.
struct Measured(Arc<AtomicU64>);

impl HistogramFn for Measured {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Values {
    fn series(&self, key: &Key) -> Arc<AtomicU64> {
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn of(&self, name: &str) -> u64 {
        let values = self.0.lock().unwrap();
        values
            .get(name)
            .map(|value| value.load(Ordering::Relaxed))
            .unwrap_or_default()
    }

    /// How many connections are open, which a gauge keeps as a fraction.
    fn connections(&self) -> f64 {
        f64::from_bits(self.of("chat_rpc_connections"))
    }
}

impl Recorder for Values {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Measured(self.series(key))))
    }
}

#[tokio::test]
async fn calls_are_counted_by_how_they_end_and_connections_while_they_are_open() {
    let values = Values::default();
    let _guard = metrics::set_default_local_recorder(&values);
    let faults = Faults::default();
    let users = Arc::new(Faulty::new(Arc::new(MemoryStore::default()), faults.clone()));
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(Stores { users, ..stores }, |serve| serve).await;
    let channel = backend.channel().await;
    let mut users = UserServiceClient::new(channel.clone());
    let ask = |ids| Request::new(proto::UsersRequest { ids });
    within(users.users(ask(vec![1]))).await.unwrap();
    assert!((values.connections() - 1.0).abs() < 0.1);
    faults.next_calls("users", 1, Fault::FailBefore);
    faults.next_calls("users", 1, Fault::FailAfter);
    for _ in 0..2 {
        within(users.users(ask(vec![1]))).await.unwrap_err();
    }
    within(users.users(ask(vec![0]))).await.unwrap_err();
    let mut late = ask(vec![1]);
    late.metadata_mut()
        .insert("chat-expires-at", "1".parse().unwrap());
    within(users.users(late)).await.unwrap_err();
    let given_up = look_up(&channel);
    within(hanging.begun.acquire()).await.unwrap().forget();
    given_up.abort();
    let served = |series: &str| values.of(&format!("chat_rpc_served_total {series}"));
    until(|| served("friends cancelled") == 1).await;
    for (outcome, count) in [
        ("answered", 1),
        ("not_done", 2),
        ("may_have_happened", 1),
        ("broken", 1),
    ] {
        assert_eq!(served(&format!("users {outcome}")), count, "{outcome}");
    }
    assert_eq!(values.of("chat_rpc_late_calls_total"), 1);
    assert_eq!(values.of("chat_rpc_serving_seconds read"), 6);
    backend.says(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(values.of("chat_rpc_connections_refused_total preface"), 1);
    drop((users, channel));
    until(|| values.connections().abs() < 0.1).await;
    backend.end().await;
}
