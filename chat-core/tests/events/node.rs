//! The node itself: its start and end, its defects, and what its host records.

use std::sync::Arc;
use std::time::Duration;

use chat_core::ports::{Backends, Level, MockDeviceStore, Stores};
use chat_core::{BackendError, Limits, SessionOptions};
use serde_json::{Map, json};
use tokio::time::timeout;

use crate::stage::{BreakableClock, LONG, Stage, user};

#[tokio::test(start_paused = true)]
async fn a_node_records_its_settings_first_and_its_end_once_with_its_time() {
    let stage = Stage::default();
    let settings = Map::from_iter([("listen".to_owned(), json!("127.0.0.1:6000"))]);
    let chat = stage.builder().settings(settings.clone()).start();
    let _connection = chat.accept(None).unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    chat.shutdown().await;
    chat.shutdown().await;
    let records = stage.records();
    assert_eq!(
        (records[0].event.as_str(), records[0].number),
        ("node_started", 1)
    );
    assert_eq!(json!(records[0].fields["settings"]), json!(settings));
    assert_eq!(records[0].fields["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(records[0].fields["role"], "clients");
    assert_eq!(json!(stage.only("node_draining")), json!({"connections": 1}));
    let uptime = stage.only("node_stopped")["uptime_ms"].as_f64().unwrap();
    assert!((7_000.0..20_000.0).contains(&uptime), "{uptime}");
    assert_eq!(records.last().unwrap().event, "node_stopped");
    let numbers: Vec<_> = records.iter().map(|record| record.number).collect();
    let expected: Vec<_> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test(start_paused = true)]
async fn what_the_host_records_stands_among_the_nodes_own() {
    let stage = Stage::default();
    let chat = stage.chat();
    let fields = Map::from_iter([("address".to_owned(), json!("127.0.0.1:6000"))]);
    chat.record(Level::Info, "node_ready", fields.clone());
    assert_eq!(stage.only("node_ready"), fields);
}

/// Lets the store answer what cannot be right.
pub(crate) async fn defect(stage: &Stage) {
    defects(stage, 1).await;
}

/// The same so many times within a moment.
async fn defects(stage: &Stage, count: usize) {
    let mut devices = MockDeviceStore::new();
    let broken = || BackendError::broken("could not open a device").because("a bad row");
    devices
        .expect_open_device()
        .returning(move |_, _, _, _| Err(broken()));
    devices
        .expect_opened_devices()
        .returning(|_, _, _| Ok(Vec::new()));
    let backends = stage.backends();
    let stores = Stores {
        devices: Arc::new(devices),
        ..backends.stores
    };
    let chat = chat_core::Chat::builder(Backends { stores, ..backends }).start();
    let alice = user(&chat, "alice").await;
    for _ in 0..count {
        let session = chat.session(alice.id, SessionOptions::default()).await;
        session.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_defect_is_recorded_with_its_backend_and_all_that_is_underneath() {
    let stage = Stage::default();
    defect(&stage).await;
    let expected = json!({"backend": "store", "error": "could not open a device: a bad row"});
    assert_eq!(json!(stage.fields_of("defect")[0]), expected);
}

#[tokio::test(start_paused = true)]
async fn of_many_defects_at_once_ten_are_recorded() {
    let stage = Stage::default();
    defects(&stage, 12).await;
    assert_eq!(stage.fields_of("defect").len(), 10);
}

/// Breaks a task of the node.
pub(crate) async fn failed_task(stage: &Stage) -> chat_core::Chat {
    let clock = Arc::new(BreakableClock::default());
    let backends = Backends {
        clock: Arc::clone(&clock) as _,
        ..stage.backends()
    };
    let limits = Limits {
        presence_interval: Duration::from_millis(10),
        status_interval: Duration::ZERO,
        ..Limits::default()
    };
    let chat = chat_core::Chat::builder(backends).limits(limits).start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    clock.break_once();
    timeout(LONG, chat.failed()).await.expect("the failure is seen");
    chat
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_recorded_by_its_name() {
    let stage = Stage::default();
    let _chat = failed_task(&stage).await;
    stage.wait_for("task_failed", 1).await;
    assert_eq!(stage.only("task_failed")["task"], "presence");
}
