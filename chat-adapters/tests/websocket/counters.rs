//! What is counted.

use std::time::Duration;

use axum::http::header::ORIGIN;
use chat_adapters::websocket::{Heartbeat, METRICS};
use chat_core::{Limits, meters};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::task::yield_now;
use tokio_tungstenite::tungstenite::Message;

use crate::counted::series;
use crate::fixture::{Server, within};

async fn becomes(counted: &PrometheusHandle, name: &str, value: i64) {
    within(async {
        while series(counted)[name] != value {
            yield_now().await;
        }
    })
    .await;
}

/// On one thread, whose recorder is the test's own.
#[tokio::test]
async fn connections_bytes_refusals_and_dead_peers_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    meters::describe(METRICS);
    assert!(series(&counted).values().all(|&value| value == 0));

    let heartbeat = Heartbeat {
        after: Duration::from_secs(1),
        timeout: Duration::from_millis(1),
    };
    let server = Server::start_with(Limits::default(), |endpoint| endpoint.heartbeat(Some(heartbeat))).await;
    let mut client = server.connect().await;
    client
        .send_message(Message::text(r#"{"type":"ping","ref":1}"#))
        .await;
    let answer = client.next_message().await.unwrap().into_text().unwrap();
    let now = series(&counted);
    assert_eq!(now["chat_websocket_connections"], 1);
    // A header of two bytes each, and a mask of four.
    assert_eq!(now["chat_websocket_received_bytes_total"], 23 + 6);
    assert_eq!(
        now["chat_websocket_sent_bytes_total"],
        i64::try_from(answer.len()).unwrap() + 2
    );

    let refused = server.asked(&[(ORIGIN, "https://evil.example")]).await;
    assert_eq!(refused.err().unwrap().status(), 403);
    assert_eq!(
        series(&counted)["chat_websocket_refused_total{reason=\"cross_site\"}"],
        1
    );

    // It answers no more.
    becomes(&counted, "chat_websocket_dead_peers_total", 1).await;
    becomes(&counted, "chat_websocket_connections", 0).await;
    drop(client);
}

#[tokio::test]
async fn the_last_word_counts_as_sent_and_a_server_that_ends_as_the_reason() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send_message(Message::Close(None)).await;
    assert_eq!(client.closed().await, None);
    // A header of two bytes, and nothing in it.
    becomes(&counted, "chat_websocket_sent_bytes_total", 2).await;
    server.chat.drain(Duration::ZERO).await;
    assert_eq!(server.asked(&[]).await.err().unwrap().status(), 503);
    assert_eq!(
        series(&counted)["chat_websocket_refused_total{reason=\"draining\"}"],
        1
    );
}
