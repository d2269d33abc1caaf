//! Files that are being written.

use chat_core::{Clock, SystemClock};

use crate::setting::{DEADLINE, Setting, key, line, record};

fn now() -> u64 {
    SystemClock.now().as_millis()
}

/// A line of this node that is written now.
fn fresh(node: &str, number: u64) -> String {
    line(&record(node, number, now(), "status"))
}

#[tokio::test]
async fn following_goes_over_rotations_truncation_and_half_lines_and_waits_for_the_file() {
    let setting = Setting::new();
    let mut following = setting.follow(&["logs", "--json", "--follow", "--window", "50ms", "n1.jsonl"]);
    setting.append("n1.jsonl", &fresh("n1", 1));
    assert_eq!(key(&following.line().await).1, 1, "it did not exist before");

    let half = fresh("n1", 2);
    let (first, second) = half.split_at(half.len() / 2);
    setting.append("n1.jsonl", first);
    setting.append("n1.jsonl", &format!("{second}{}", fresh("n1", 3)));
    for number in 2..=3 {
        assert_eq!(key(&following.line().await).1, number);
    }

    setting.append("n1.jsonl", &fresh("n1", 4));
    setting.rename("n1.jsonl", "n1.jsonl.1");
    setting.append("n1.jsonl", &fresh("n1", 5));
    setting.rename("n1.jsonl.1", "n1.jsonl.2");
    setting.rename("n1.jsonl", "n1.jsonl.1");
    setting.append("n1.jsonl", &fresh("n1", 6));
    for number in 4..=6 {
        assert_eq!(key(&following.line().await).1, number);
    }

    std::fs::write(setting.path("n1.jsonl"), "").unwrap();
    setting.append("n1.jsonl", &fresh("n1", 7)[..10]);
    // It has to see the file while it is short: what has grown past the old end looks like appended.
    following.has_read_to(&setting.path("n1.jsonl"), 10).await;
    setting.append("n1.jsonl", &format!("\n{}", fresh("n1", 8)));
    assert_eq!(key(&following.line().await).1, 8);

    following.interrupt();
    assert!(following.ends().await);
    let status = tokio::time::timeout(DEADLINE, following.child.wait())
        .await
        .unwrap();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn records_of_two_nodes_that_are_written_within_the_window_come_in_order() {
    let setting = Setting::new();
    setting.append("n1.jsonl", &fresh("n1", 1));
    let mut following = setting.follow(&["logs", "--json", "-f", "--window", "1s", "-n", "1", "."]);
    assert_eq!(key(&following.line().await), ("n1".to_owned(), 1));
    let start = now();
    // A folder shows the logs that come later too.
    setting.append("n2.jsonl", &line(&record("n2", 1, start + 2, "status")));
    assert_eq!(key(&following.line().await), ("n2".to_owned(), 1));
    setting.append("n1.jsonl", &line(&record("n1", 2, start + 40, "status")));
    setting.append("n2.jsonl", &line(&record("n2", 2, start + 30, "status")));
    assert_eq!(key(&following.line().await), ("n2".to_owned(), 2));
    assert_eq!(key(&following.line().await), ("n1".to_owned(), 2));
    setting.append("n2.jsonl", &line(&record("n2", 3, start + 35, "status")));
    assert_eq!(
        key(&following.line().await),
        ("n2".to_owned(), 3),
        "late, and still shown"
    );
}

#[tokio::test]
async fn an_interruption_shows_what_was_held_back() {
    let setting = Setting::new();
    setting.append("n1.jsonl", &fresh("n1", 1));
    let mut following = setting.follow(&["logs", "--json", "-f", "--window", "1h", "n1.jsonl"]);
    assert_eq!(
        key(&following.line().await).1,
        1,
        "what was there is not held back"
    );
    setting.append("n1.jsonl", &fresh("n1", 2));
    // It is taken now, and then held back for an hour.
    let log = setting.path("n1.jsonl");
    let length = std::fs::metadata(&log).unwrap().len();
    following.has_read_to(&log, length).await;
    following.interrupt();
    assert_eq!(key(&following.line().await).1, 2);
    assert!(following.ends().await);
}

#[tokio::test]
async fn following_until_a_time_ends_then() {
    let setting = Setting::new();
    setting.append("n1.jsonl", &fresh("n1", 1));
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(2);
    let until = until.to_string();
    let arguments = [
        "logs", "--json", "-f", "--window", "100ms", "--until", &until, "n1.jsonl",
    ];
    let mut following = setting.follow(&arguments);
    assert_eq!(key(&following.line().await).1, 1);
    assert!(following.ends().await);
}
