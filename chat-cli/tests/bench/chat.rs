//! Every scenario against the chat itself, in this process.

use std::time::Duration;

use chat_adapters::tcp;
use chat_core::{Chat, memory};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{measured, violations};

/// Runs a scenario to a good end.
async fn run(arguments: &[&str]) -> Value {
    let (result, code) = serve(arguments).await;
    assert_eq!((violations(&result), code), (vec![], 0), "{result}");
    result
}

/// Runs a scenario, and gives its result and exit code.
async fn serve(arguments: &[&str]) -> (Value, i32) {
    let chat = Chat::builder(memory::backends()).start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    let served = tcp::serve(listener, chat.clone(), stop.clone().cancelled_owned());
    let load = async {
        let outcome = measured(&address, arguments).await;
        stop.cancel();
        chat.drain(Duration::ZERO).await;
        outcome
    };
    let (_, outcome) = tokio::join!(served, load);
    chat.shutdown().await;
    outcome
}

fn count(result: &Value, what: &str) -> u64 {
    result["counts"][what].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_write() {
    let result = run(&[
        "direct",
        "--connections=4",
        "--window=8",
        "--warm-up=0s",
        "--duration=300ms",
    ])
    .await;
    assert!(count(&result, "delivered") > 0);
    assert_eq!(count(&result, "delivered"), count(&result, "answered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_acknowledge_what_they_read() {
    let shape = ["--connections=4", "--window=8", "--ack=client"];
    let result = run(&[&["direct"][..], &shape, &["--warm-up=0s", "--duration=300ms"]].concat()).await;
    assert_eq!(count(&result, "delivered"), count(&result, "answered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_write_and_wait_for_nobody_who_is_stalled() {
    let shape = ["--connections=12", "--groups=2", "--senders=2", "--stalled=1"];
    let times = ["--window=4", "--warm-up=0s", "--duration=300ms"];
    let result = run(&[&["group"][..], &shape, &times].concat()).await;
    // Of five others one is stalled.
    assert!(count(&result, "answered") > 0);
    assert_eq!(count(&result, "delivered"), 4 * count(&result, "answered"));
    assert_eq!(count(&result, "delivered_late"), count(&result, "answered"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_both_ways() {
    for by in ["token", "password"] {
        let times = ["--warm-up=0s", "--duration=300ms"];
        let result = run(&[&["logins", "--connections=4", "--by", by][..], &times].concat()).await;
        assert!(count(&result, "logins") > 0, "{by}");
        assert_eq!(
            result["latency"]["connect_to_synced"]["count"],
            result["counts"]["logins"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_could_not_begin_are_counted() {
    let load = ["--by=password", "--connections=1", "--rate=1000"];
    let times = ["--warm-up=0s", "--duration=500ms", "--patience=0s"];
    let (result, code) = serve(&[&["logins"][..], &load, &times].concat()).await;
    assert_eq!(code, 1);
    let [logins, unsent] = ["logins", "unsent"].map(|what| count(&result, what));
    assert!(logins > 0 && unsent > 0, "{result}");
    assert_eq!(logins + unsent, 500);
    assert_eq!(result["latency"]["connect_to_synced"]["count"], 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_connections_are_resumed() {
    let result = run(&["reconnect", "--connections=30", "--users=3", "--rounds=2"]).await;
    assert_eq!(count(&result, "resumed"), 60);
    assert_eq!(result["latency"]["drop_to_synced"]["count"], 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_catch_up_with_everything_that_waits() {
    let result = run(&["catch-up", "--users=10", "--messages=250", "--rounds=2"]).await;
    assert_eq!(count(&result, "delivered"), 10 * 250 * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_page_through_whole_conversations() {
    let shape = ["--users=2", "--messages=95", "--page=20"];
    let times = ["--warm-up=0s", "--duration=300ms"];
    let result = run(&[&["history"][..], &shape, &times].concat()).await;
    assert!(count(&result, "messages_read") >= 95, "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_devices_of_few_users() {
    let result = run(&["idle", "--connections=120", "--duration=100ms"]).await;
    assert_eq!(count(&result, "connections"), 120);
    assert_eq!(result["settings"]["users"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_together() {
    let rates = ["--rate=200", "--visits=10", "--pages=10", "--logins=5"];
    let times = ["--warm-up=0s", "--duration=1s"];
    let result = run(&[&["mix", "--connections=30"][..], &rates, &times].concat()).await;
    assert_eq!(count(&result, "answered"), 200);
    assert_eq!((count(&result, "visits"), count(&result, "pages")), (10, 10));
    assert_eq!(
        (count(&result, "logins"), count(&result, "messages_read")),
        (5, 500)
    );
}
