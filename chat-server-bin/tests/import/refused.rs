//! What cannot be imported from.

use crate::original::Original;
use crate::support::run;

pub(crate) fn what_cannot_be_imported_from_is_refused_without_the_password() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = format!("sqlite:{}", path.display());
    let original = Original::new();
    let other = Original::empty("");
    let store_already = Original::empty("");
    store_already.execute("CREATE VIEW OfflineMessage AS SELECT 1 AS userid, '' AS message");
    let partial = Original::empty("");
    partial.execute("CREATE TABLE User (id INT); CREATE TABLE friend (userid INT)");
    let with_password = |url: &str| {
        let host = url.split_once('@').map_or(url, |(_, host)| host).to_owned();
        format!("mysql://nobody:hunter2@{host}")
    };
    for (from, code, sentence) in [
        ("chat:hunter2".to_owned(), 2, "does not begin with mysql://"),
        (
            "mysql://chat:hunter2@127.0.0.1/".to_owned(),
            2,
            "names no database",
        ),
        (
            "mysql://chat:hunter2@127.0.0.1:1/chat".to_owned(),
            4,
            "cannot open the original database chat",
        ),
        (
            with_password(&original.url()),
            4,
            "cannot open the original database",
        ),
        (
            other.url(),
            4,
            "has no table User, Friend, AllGroup, GroupUser, OfflineMessage",
        ),
        (
            partial.url(),
            4,
            "has no table AllGroup, GroupUser, OfflineMessage",
        ),
        (store_already.url(), 2, "is a store of chat-server already"),
    ] {
        refused(&from, &store, code, sentence);
    }
    refused(&original.url(), "memory:", 2, "forgotten at once");
    refused(&original.url(), "sqlite:/nowhere/chat.db", 4, "/nowhere");
    assert!(!path.exists(), "the store is not touched");
    assert_eq!(run(&["import", "--store", &store], &[]).code, Some(2));
    let named = run(
        &["import", "--store", &store],
        &[("CHAT_IMPORT_FROM", &original.url())],
    );
    assert_eq!(named.code, Some(0), "{}", named.stderr);
}

fn refused(from: &str, store: &str, code: i32, sentence: &str) {
    let ended = run(&["import", "--from", from, "--store", store], &[]);
    assert_eq!(ended.code, Some(code), "{sentence}: {}", ended.stderr);
    assert!(ended.stderr.contains(sentence), "{sentence}: {}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}
