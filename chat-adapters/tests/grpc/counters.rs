//! What a backend counts.

use std::sync::Arc;

use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::MemoryStore;
use chat_core::ports::Stores;
use metrics_exporter_prometheus::PrometheusBuilder;
use tonic::Request;

use crate::backend::{Backend, Hanging, look_up, until, within};
use crate::counted::series;
use crate::proto;
use crate::proto::user_service_client::UserServiceClient;

#[tokio::test]
async fn calls_are_counted_by_how_they_end_and_connections_while_they_are_open() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let value = |name: &str| series(&counted).get(name).copied().unwrap_or_default();
    let faults = Faults::default();
    let users = Arc::new(Faulty::new(Arc::new(MemoryStore::default()), faults.clone()));
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(Stores { users, ..stores }, |serve| serve).await;
    let channel = backend.channel().await;
    let mut users = UserServiceClient::new(channel.clone());
    let ask = |ids| Request::new(proto::UsersRequest { ids });
    within(users.users(ask(vec![1]))).await.unwrap();
    assert_eq!(value("chat_rpc_connections"), 1);
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
    let served = |call: &str, outcome: &str| {
        value(&format!(
            "chat_rpc_served_total{{call=\"{call}\",outcome=\"{outcome}\"}}"
        ))
    };
    until(|| served("friends", "cancelled") == 1).await;
    for (outcome, count) in [
        ("answered", 1),
        ("not_done", 2),
        ("may_have_happened", 1),
        ("broken", 1),
    ] {
        assert_eq!(served("users", outcome), count, "{outcome}");
    }
    assert_eq!(value("chat_rpc_late_calls_total"), 1);
    assert_eq!(value("chat_rpc_serving_seconds_count{kind=\"read\"}"), 6);
    backend.says(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(value("chat_rpc_connections_refused_total{reason=\"preface\"}"), 1);
    drop((users, channel));
    until(|| value("chat_rpc_connections") == 0).await;
    backend.end().await;
}
