//! Tests of what cannot be seen from outside: connection settings and query plans.

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row};

use super::{SqliteStore, append, cursors, groups, history, positions, start};

const OFFLINE_MESSAGES: &str = "SELECT message FROM OfflineMessage WHERE userid = ?1";

async fn open() -> (tempfile::TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("chat.db")).await.unwrap();
    (directory, store)
}

async fn setting(pool: &SqlitePool, name: &str) -> String {
    let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {name}")))
        .fetch_one(pool)
        .await
        .unwrap();
    row.try_get::<String, _>(0)
        .unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
}

#[tokio::test]
async fn connections_are_durable_and_check_foreign_keys() {
    const FULL: &str = "2";
    let (_directory, store) = open().await;
    for pool in [&store.writer, &store.readers] {
        assert_eq!(setting(pool, "journal_mode").await, "wal");
        assert_eq!(setting(pool, "synchronous").await, FULL);
        assert_eq!(setting(pool, "foreign_keys").await, "1");
        assert_eq!(setting(pool, "busy_timeout").await, "3000");
    }
    assert_eq!(setting(&store.readers, "query_only").await, "1");
    assert_eq!(store.writer.options().get_max_connections(), 1);
}

#[tokio::test]
async fn all_connections_together_keep_little_of_the_file_in_memory() {
    let (_directory, store) = open().await;
    let mut kibibytes = 0;
    for pool in [&store.writer, &store.readers] {
        // With a minus it is KiB, and else pages.
        let each: i64 = setting(pool, "cache_size").await.parse().unwrap();
        assert!(each < 0);
        kibibytes -= each * i64::from(pool.options().get_max_connections());
    }
    // A KiB and a half for each of ten thousand clients.
    assert!(kibibytes <= 15_000, "{kibibytes} KiB");
}

#[tokio::test]
async fn no_statement_of_the_hot_path_costs_more_as_tables_grow() {
    let (_directory, store) = open().await;
    for statement in [
        append::READ_DUPLICATES,
        append::READ_ACCESS,
        append::STORE_CONVERSATIONS,
        append::STORE_MESSAGES,
        start::READ_START,
        cursors::COUNT_SESSION,
        cursors::COPY_FURTHEST,
        cursors::READ_UNSEEN,
        cursors::READ_OPENED,
        cursors::ADVANCE,
        positions::READ_PAGE,
        positions::READ_OF_GROUP,
        positions::READ_OF_DIRECT,
        positions::READ_HEADS,
        history::READ_AFTER,
        history::READ_RANGES,
        history::READ_BEFORE,
        history::READ_CHANGED,
        groups::READ_CHANGED,
        OFFLINE_MESSAGES,
    ] {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&store.writer)
            .await
            .unwrap();
        assert!(!plan.is_empty(), "{statement}");
        for step in plan {
            let step: String = step.get("detail");
            assert!(!grows_with_a_table(&step), "{step} in {statement}");
        }
    }
}

#[tokio::test]
async fn messages_of_many_conversations_are_found_by_their_numbers() {
    let (_directory, store) = open().await;
    for statement in [start::READ_START, history::READ_RANGES] {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&store.writer)
            .await
            .unwrap();
        let by_number = |step: &String| {
            step.starts_with("SEARCH m ") && step.ends_with("(conversation=? AND seq>? AND seq<?)")
        };
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(by_number), "{steps:?}");
    }
}

/// Whether a step's cost grows with a table: a scan of it, or a search that no key or index begins
/// with a given value. A search by time is as long as the window asked for.
///
/// Scans of the JSON parameter and of results in the making are as short as the batch or page.
fn grows_with_a_table(step: &str) -> bool {
    let is_short_scan = step.contains("VIRTUAL TABLE")
        || step.starts_with("SCAN (subquery")
        || ["SCAN p", "SCAN h", "SCAN place", "SCAN due"].contains(&step);
    let is_by_value = step.contains("=?)") || step.contains("=? AND ");
    let times = ["(updated_at>?", "(opened_at>?", "(changed_at>?"];
    let is_by_time = times.iter().any(|time| step.contains(time));
    (step.starts_with("SCAN ") && !is_short_scan)
        || (step.starts_with("SEARCH ") && !is_by_value && !is_by_time)
}
