//! What a node tells of its calls and of its backends: metrics and log.

use std::sync::Mutex;

use chat_adapters::grpc::METRICS;
use chat_core::meters::describe;
use chat_core::ports::UserStore;
use futures_util::FutureExt as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::backend::Lines;
use crate::counted::series;
use crate::scene::{DEADLINE, eventually, kind, new_user, store, user, within};
use crate::scripted::{Answer, Scripted, broken, may_have_happened, not_done};

/// What a node counts.
struct Meters(PrometheusHandle);

impl Meters {
    fn get(&self, series_name: &str) -> i64 {
        series(&self.0)[series_name]
    }

    fn calls(&self) -> [i64; 5] {
        ["answered", "not_done", "may_have_happened", "broken", "cancelled"]
            .map(|outcome| self.get(&format!("chat_rpc_calls_total{{outcome=\"{outcome}\"}}")))
    }

    fn backends(&self) -> [i64; 3] {
        ["serving", "not_serving", "away"]
            .map(|state| self.get(&format!("chat_rpc_backends{{state=\"{state}\"}}")))
    }

    fn retries(&self, after: &str) -> i64 {
        self.get(&format!("chat_rpc_retries_total{{after=\"{after}\"}}"))
    }
}

/// A backend whose answers are those given, in turn, and then silence.
async fn answering(answers: Vec<Answer>) -> Scripted {
    let answers = Mutex::new(answers.into_iter());
    Scripted::start(move |_| answers.lock().unwrap().next().unwrap_or(Answer::Silence)).await
}

#[tokio::test]
async fn calls_repetitions_and_backends_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let meters = Meters(recorder.handle());
    let _guard = metrics::set_default_local_recorder(&recorder);
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
    assert_eq!(meters.get("chat_rpc_call_seconds_count"), 6);
    assert_eq!(meters.retries("not_done"), 2);
    assert_eq!(meters.retries("may_have_happened"), 0);
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
