//! The status record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::ports::LogStatus;
use chat_core::{Chat, Limits, Usage};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::schema::Schema;
use crate::stage::{Stage, ask, frames_until, user};

const INTERVAL: Duration = Duration::from_secs(5);

/// A node that was busy, on a host that tells everything: half a core, and 64 MiB.
pub(crate) async fn busy(stage: &Stage) -> Chat {
    let began = Instant::now();
    let usage = move || Usage {
        memory_bytes: Some(64 << 20),
        cpu: Some(began.elapsed() / 2),
    };
    *stage.log.status.lock().unwrap() = LogStatus {
        waiting: 3,
        dropped: 2,
        latency: Some(Duration::from_millis(7)),
        ..LogStatus::default()
    };
    let chat = stage.builder().usage(usage).start();
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let mut wire = chat.accept_as(alice.id, Default::default(), None).await.unwrap();
    let mut reader = chat.accept_as(bob.id, Default::default(), None).await.unwrap();
    stage
        .store
        .away("append", Fault::Delay(Duration::from_millis(20)));
    for _ in 0..4 {
        let send = json!({"type": "send", "to": {"user": bob.id}, "body": "hello"});
        ask(&mut wire, &send, "sent").await;
        frames_until(&mut reader, "message").await;
    }
    stage.store.clear();
    ask(
        &mut wire,
        &json!({"type": "find_user", "name": "nobody"}),
        "error",
    )
    .await;
    sleep(INTERVAL).await;
    chat.drain(Duration::ZERO).await;
    chat
}

#[tokio::test(start_paused = true)]
async fn a_busy_node_tells_every_field_of_the_page_and_no_other() {
    let stage = Stage::default();
    busy(&stage).await;
    let all = stage.fields_of("status");
    let told: BTreeSet<_> = all.iter().flat_map(Map::keys).map(String::as_str).collect();
    assert_eq!(told, Schema::of_the_page().fields("status"));
}

#[tokio::test(start_paused = true)]
async fn what_a_status_tells_is_so() {
    let stage = Stage::default();
    busy(&stage).await;
    let status = stage.fields_of("status").remove(0);
    for (field, expected) in [
        ("uptime_ms", json!(5_000.0)),
        ("state", json!("ready")),
        ("connections", json!(2)),
        ("sessions", json!(2)),
        ("users", json!(2)),
        ("sends_total", json!(4)),
        ("deliveries_total", json!(4)),
        ("requests_total", json!(5)),
        ("errors_total", json!(1)),
        ("writer_waiting", json!(0)),
        ("acks_waiting", json!(0)),
        ("passwords_waiting", json!(0)),
        ("log_waiting", json!(3)),
        ("log_dropped_total", json!(2)),
        ("log_latency_ms", json!(7.0)),
        ("store_away", json!(false)),
        ("memory_bytes", json!(64 << 20)),
    ] {
        assert_eq!(status[field], expected, "{field}: {status:?}");
    }
    let number = |field: &str| status[field].as_f64().unwrap();
    assert!((0.49..0.51).contains(&number("cpu_cores")), "{status:?}");
    assert!((20.0..22.0).contains(&number("send_p50_ms")), "{status:?}");
    assert!(number("store_p99_ms") >= number("store_p50_ms"), "{status:?}");
    assert!((20.0..22.0).contains(&number("store_p99_ms")), "{status:?}");
    assert!(!status.contains_key("not_ready"));
}

#[tokio::test(start_paused = true)]
async fn a_node_without_work_leaves_out_what_it_does_not_know() {
    let stage = Stage::default();
    let _chat = stage.chat();
    sleep(INTERVAL * 2 + Duration::from_millis(10)).await;
    let all = stage.fields_of("status");
    assert_eq!(all.len(), 2, "one each five seconds");
    for field in [
        "send_p50_ms",
        "log_latency_ms",
        "memory_bytes",
        "cpu_cores",
        "not_ready",
    ] {
        assert!(!all[1].contains_key(field), "{field}: {:?}", all[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn queues_that_wait_and_backends_that_are_away_are_told() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        writer_batch: 1,
        store_timeout: Duration::from_secs(60),
        ..Limits::default()
    });
    let alice = user(&chat, "alice").await;
    let mut wire = chat.accept_as(alice.id, Default::default(), None).await.unwrap();
    frames_until(&mut wire, "synced").await;
    for faults in [&stage.store, &stage.bus, &stage.presence] {
        faults.away(Faults::ANY, Fault::FailBefore);
    }
    stage.log.status.lock().unwrap().is_away = true;
    let send = json!({"type": "send", "to": {"user": alice.id}, "body": "hello"}).to_string();
    for _ in 0..4 {
        wire.receive(send.as_bytes());
    }
    chat.host().expel(alice.id, None);
    sleep(INTERVAL + Duration::from_millis(10)).await;
    let status: Value = stage.fields_of("status").pop().unwrap().into();
    assert_eq!(status["writer_waiting"], 3, "{status}");
    for backend in ["store", "bus", "presence", "log"] {
        assert_eq!(status[format!("{backend}_away")], true, "{backend}: {status}");
    }
    assert_eq!(
        (&status["state"], &status["not_ready"]),
        (&json!("not_ready"), &json!(["store_away"]))
    );
}

#[tokio::test(start_paused = true)]
async fn when_draining_begins_the_state_is_told_at_once_and_never_twice() {
    let stage = Stage::default();
    let chat = stage.chat();
    chat.drain(Duration::ZERO).await;
    let status: Value = stage.only("status").into();
    assert_eq!(
        (&status["state"], &status["not_ready"]),
        (&json!("draining"), &json!(["draining"]))
    );
    chat.shutdown().await;
    stage.only("status");
}

#[tokio::test(start_paused = true)]
async fn no_status_is_told_where_its_interval_is_zero() {
    let stage = Stage::default();
    let chat = stage.chat_with(Limits {
        status_interval: Duration::ZERO,
        ..Limits::default()
    });
    sleep(Duration::from_secs(600)).await;
    assert!(stage.fields_of("status").is_empty());
    drop(Arc::new(chat));
}
