//! What was answered is there after a crash.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use chat_adapters::sqlite::SqliteStore;
use chat_core::ports::{Appended, MessageStore};
use chat_core::types::Seq;

use crate::scene::{message, user};

const FILE: &str = "CHAT_TEST_CRASH_FILE";

/// The numbers of the messages between the first two users of a file.
async fn stored_numbers(path: &Path) -> Vec<u64> {
    let store = SqliteStore::open(path).await.unwrap();
    let (one, other) = (user(&store, "one").await, user(&store, "other").await);
    let conversation = message(one, other, "x", "x").conversation;
    let messages = store
        .read_after(conversation, Seq::ZERO, 1_000_000)
        .await
        .unwrap();
    store.close().await;
    messages.iter().map(|message| message.seq.get()).collect()
}

#[tokio::test]
async fn a_copy_of_an_open_file_and_its_log_holds_everything_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("chat.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open(path.as_path()).await.unwrap();
    let (one, other) = (user(&store, "one").await, user(&store, "other").await);
    for n in 0..20 {
        let new = message(one, other, &n.to_string(), "text");
        store.append(&[new]).await.unwrap();
    }
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(
        directory.path().join("chat.db-wal"),
        directory.path().join("copy.db-wal"),
    )
    .unwrap();
    assert_eq!(stored_numbers(&copy).await, (1..=20).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_a_killed_process_was_answered_is_stored_without_gaps() {
    const WAIT_FOR: u64 = 50;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::writer_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FILE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Some(seq) = line.unwrap().strip_prefix("stored ").map(str::to_owned) else {
            continue;
        };
        answered = seq.parse().unwrap();
        if answered == WAIT_FOR {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered >= WAIT_FOR, "the writer ended after {answered}");
    let numbers = stored_numbers(&path).await;
    assert!(
        numbers.len() as u64 >= answered,
        "{answered} answered, {} stored",
        numbers.len()
    );
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
}

#[tokio::test]
#[ignore = "the process that another test starts and kills"]
async fn writer_that_is_killed() {
    let path = std::env::var_os(FILE).expect("started by its test");
    let store = SqliteStore::open(Path::new(&path)).await.unwrap();
    let (one, other) = (user(&store, "one").await, user(&store, "other").await);
    let mut output = std::io::stdout();
    writeln!(output).unwrap();
    for n in 0_u64.. {
        let outcomes = store
            .append(&[message(one, other, &n.to_string(), "text")])
            .await
            .unwrap();
        let Some(Appended::Stored { seq }) = outcomes.first() else {
            panic!("{outcomes:?}");
        };
        writeln!(output, "stored {seq}").unwrap();
        output.flush().unwrap();
    }
}
