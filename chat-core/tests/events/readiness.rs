//! Whether a node is ready, on time, without anybody's request.

use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::{Limits, NotReady};
use tokio::time::{sleep, timeout};

use crate::node::failed_task;
use crate::stage::{LONG, Stage, time_until, user};

/// What is promised.
const PROMISED: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn an_idle_node_knows_within_two_seconds_that_its_store_is_gone_and_that_it_is_back() {
    for fault in [Fault::FailBefore, Fault::Delay(LONG)] {
        // At every moment between two questions.
        for millis in (0..500).step_by(50) {
            let stage = Stage::default();
            let chat = stage.chat();
            sleep(Duration::from_millis(3_000 + millis)).await;
            assert!(chat.readiness().is_ready());
            stage.store.away(Faults::ANY, fault);
            let gone = time_until(|| !chat.readiness().is_ready()).await;
            assert_eq!(chat.readiness().reasons, [NotReady::StoreAway]);
            assert!(gone < PROMISED, "{fault:?}: {gone:?}");
            sleep(Duration::from_secs(20)).await;
            stage.store.clear();
            let back = time_until(|| chat.readiness().is_ready()).await;
            assert!(back < PROMISED, "{fault:?}: {back:?}");
            stage.only("store_lost");
            stage.only("store_regained");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_stays_away_while_it_is_read_and_is_back_once_it_can() {
    let stage = Stage::default();
    let chat = stage.chat();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, Default::default()).await.unwrap();
    for method in ["append", "set_states"] {
        stage.store.away(method, Fault::FailBefore);
    }
    let note = OutgoingMessage::text(Recipient::User(alice.id), "note").unwrap();
    session.send(note).await.unwrap_err();
    for _ in 0..20 {
        session.friends().await.unwrap();
        assert!(!chat.readiness().is_ready());
        sleep(Duration::from_secs(1)).await;
    }
    stage.store.clear();
    let back = time_until(|| chat.readiness().is_ready()).await;
    assert!(back < PROMISED, "{back:?}");
    stage.only("store_lost");
    stage.only("store_regained");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_only_too_slow_for_the_question_stays_while_others_are_answered() {
    let stage = Stage::default();
    let chat = stage.chat();
    let alice = user(&chat, "alice").await;
    let session = chat.session(alice.id, Default::default()).await.unwrap();
    stage.store.away("users", Fault::Delay(LONG));
    for _ in 0..200 {
        session.friends().await.unwrap();
        sleep(Duration::from_millis(100)).await;
        assert!(chat.readiness().is_ready());
    }
    assert!(stage.store.calls("users") > 10, "it was asked");
    assert!(stage.fields_of("store_lost").is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_bus_presence_and_log_a_node_is_ready_all_the_same() {
    let stage = Stage::default();
    let chat = stage.chat();
    for faults in [&stage.bus, &stage.presence] {
        faults.away(Faults::ANY, Fault::FailBefore);
    }
    stage.log.status.lock().unwrap().is_away = true;
    stage.wait_for("presence_lost", 1).await;
    stage.wait_for("log_lost", 1).await;
    assert!(chat.readiness().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_drains_or_has_failed_is_not_ready() {
    let stage = Stage::default();
    let chat = stage.chat();
    let mut connection = chat.accept(None).unwrap();
    let draining = chat.drain(Duration::from_secs(60));
    let mut draining = std::pin::pin!(draining);
    assert!(timeout(Duration::from_millis(1), &mut draining).await.is_err());
    assert_eq!(chat.readiness().reasons, [NotReady::Draining]);
    connection.end_of_input();

    let failed = failed_task(&Stage::default()).await;
    assert_eq!(failed.readiness().reasons, [NotReady::Failed]);
    assert_eq!(NotReady::Failed.to_string(), "failed");
}

#[tokio::test(start_paused = true)]
async fn a_store_is_not_asked_where_that_is_switched_off() {
    let stage = Stage::default();
    let _chat = stage.chat_with(Limits {
        store_probe_interval: Duration::ZERO,
        ..Limits::default()
    });
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.store.calls("users"), 0);
}
