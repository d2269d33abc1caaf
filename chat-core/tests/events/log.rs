//! What the log holds of itself.

use std::time::Duration;

use chat_core::ports::LogStatus;
use serde_json::json;
use tokio::time::sleep;

use crate::stage::Stage;

fn away(stage: &Stage, is_away: bool, dropped: u64) {
    *stage.log.status.lock().unwrap() = LogStatus {
        is_away,
        dropped,
        ..LogStatus::default()
    };
}

/// Takes the log away for half a minute, in which it drops a thousand records.
pub(crate) async fn lose_and_regain(stage: &Stage) {
    sleep(Duration::from_secs(2)).await;
    for dropped in 0..30 {
        away(stage, true, dropped * 10);
        sleep(Duration::from_secs(1)).await;
    }
    away(stage, true, 1_000);
    sleep(Duration::from_millis(1_100)).await;
    away(stage, false, 1_000);
    sleep(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_away_holds_for_how_long_and_how_many_records_it_dropped() {
    let stage = Stage::default();
    let _chat = stage.chat();
    lose_and_regain(&stage).await;
    assert!(stage.only("log_lost").is_empty());
    let away = stage.only("log_regained")["away_ms"].as_f64().unwrap();
    assert!((30_000.0..=33_000.0).contains(&away), "{away}");
    let dropped = stage.fields_of("records_dropped");
    let counts = dropped.iter().map(|fields| fields["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 1_000);
    assert_eq!(dropped.last().unwrap()["total"], json!(1_000));
    // One at the first loss, then one each ten seconds, and one at the return.
    assert!((3..=5).contains(&dropped.len()), "{dropped:?}");
}

#[tokio::test(start_paused = true)]
async fn records_dropped_within_the_pause_are_told_when_the_node_stops() {
    let stage = Stage::default();
    let chat = stage.chat();
    lose_and_regain(&stage).await;
    away(&stage, false, 1_007);
    sleep(Duration::from_secs(2)).await;
    let told = || {
        let dropped = stage.fields_of("records_dropped").into_iter();
        dropped
            .map(|fields| fields["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(told(), 1_000, "the pause after what was told last is not over");
    chat.shutdown().await;
    assert_eq!(told(), 1_007);
}
