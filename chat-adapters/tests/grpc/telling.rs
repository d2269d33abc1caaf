//! What a node tells of its calls and of its backends: metrics and log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chat_adapters::grpc::METRICS;
use chat_core::meters::describe;
use chat_core::ports::UserStore;
use futures_util::FutureExt as _;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::backend::Lines;
use crate::scene::{DEADLINE, eventually, kind, new_user, store, user, within};
use crate::scripted::{Answer, Scripted, broken, may_have_happened, not_done};

/// Keeps the sum of each counter, the level of each gauge, and the number of values of each histogram.
#[derive(Clone, Default)]
struct Meters(Arc<Mutex<HashMap<String, Arc<Value>>>>);

#[derive(Default)]
struct Value(AtomicI64);

impl Meters {
    fn of(&self, key: &Key) -> Arc<Value> {
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn get(&self, name: &str) -> i64 {
        self.0.lock().unwrap()[name].0.load(Ordering::Relaxed)
    }

    fn calls(&self) -> [i64; 5] {
        ["answered", "not_done", "may_have_happened", "broken", "cancelled"]
            .map(|outcome| self.get(&format!("chat_rpc_calls_total {outcome}")))
    }

    fn backends(&self) -> [i64; 3] {
        ["serving", "not_serving", "away"].map(|state| self.get(&format!("chat_rpc_backends {state}")))
    }
}

impl CounterFn for Value {
    fn increment(&self, value: u64) {
        self.0.fetch_add(i64::try_from(value).unwrap(), Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(i64::try_from(value).unwrap(), Ordering::Relaxed);
    }
}

impl GaugeFn for Value {
    fn increment(&self, value: f64) {
        self.0.fetch_add(value as i64, Ordering::Relaxed);
    }

    fn decrement(&self, value: f64) {
        self.0.fetch_sub(value as i64, Ordering::Relaxed);
    }

    fn set(&self, value: f64) {
        self.0.store(value as i64, Ordering::Relaxed);
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

/// A backend whose answers are those given, in turn, and then silence.
async fn answering(answers: Vec<Answer>) -> Scripted {
    let answers = Mutex::new(answers.into_iter());
    Scripted::start(move |_| answers.lock().unwrap().next().unwrap_or(Answer::Silence)).await
}

#[tokio::test]
async fn calls_repetitions_and_backends_are_counted() {
    let meters = Meters::default();
    let _recorder = metrics::set_default_local_recorder(&meters);
    describe(METRICS);
    let empty = || Answer::Message(Vec::new());
    let answers = vec![
        empty(),
        not_done(),
        empty(),
        may_have_happened(),
        not_done(),
        not_done(),
        broken(),
    ];
    let backend = answering(answers).await;
    let node = store(&[backend.address()], within(5_000));
    node.ready(DEADLINE).await.unwrap();
    assert_eq!(meters.backends(), [1, 0, 0]);
    node.users(&[]).await.unwrap();
    node.users(&[]).await.unwrap();
    assert_eq!(meters.calls(), [2, 0, 0, 0, 0]);
    node.create_user(&new_user("alice")).await.unwrap_err();
    node.create_user(&new_user("alice")).await.unwrap_err();
    node.create_user(&new_user("alice")).await.unwrap_err();
    assert_eq!(meters.calls(), [2, 1, 1, 1, 0]);
    let mut given_up = Box::pin(node.users(&[]));
    eventually("the call arrives", || {
        assert!(given_up.as_mut().now_or_never().is_none());
        backend.calls().len() == 8
    })
    .await;
    drop(given_up);
    assert_eq!(meters.calls(), [2, 1, 1, 1, 1]);
    assert_eq!(meters.get("chat_rpc_call_seconds"), 6);
    assert_eq!(meters.get("chat_rpc_retries_total not_done"), 2);
    assert_eq!(meters.get("chat_rpc_retries_total may_have_happened"), 0);
    backend.die();
    eventually("it is away", || meters.backends() == [0, 0, 1]).await;
    assert_eq!(meters.get("chat_rpc_connections_lost_total"), 1);
    node.close().await;
    assert_eq!(meters.backends(), [0, 0, 0]);
}

#[tokio::test]
async fn each_change_of_a_backend_is_told_once() {
    let (lines, _recording) = Lines::record();
    let backend = Scripted::start(|_| Answer::Silence).await;
    let node = store(&[backend.address()], within(500));
    node.ready(DEADLINE).await.unwrap();
    backend.die();
    eventually("it is told", || lines.all().len() >= 3).await;
    // Time for several attempts to connect.
    assert!(node.users(&[user(1)]).await.is_err());
    let told: Vec<_> = lines.all();
    let expected = [
        "a backend has come",
        "a backend is serving",
        "a backend is away",
        "a call to a backend failed",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, expected) in told.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}: {line}");
    }
    assert!(
        told[..3].iter().all(|line| line.contains(&backend.address())),
        "{told:#?}"
    );
}

#[tokio::test]
async fn failed_calls_are_told_at_a_bounded_rate_with_their_trace_and_without_what_was_asked() {
    let (lines, _recording) = Lines::record();
    let backend = Scripted::start(|_| broken()).await;
    let node = store(&[backend.address()], within(5_000));
    node.ready(DEADLINE).await.unwrap();
    for _ in 0..20 {
        kind(node.create_user(&new_user("secretive")).await);
    }
    let failures = |line: &String| line.contains("a call to a backend failed");
    let told: Vec<_> = lines.all().into_iter().filter(failures).collect();
    // Of so many within ten seconds.
    assert_eq!(told.len(), 10, "{told:#?}");
    let first = backend.calls()[0].metadata["traceparent"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "create_user",
        "broken",
        first.split('-').nth(1).unwrap(),
        "on command",
    ] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
    assert!(!lines.all().concat().contains("secretive"));
}
