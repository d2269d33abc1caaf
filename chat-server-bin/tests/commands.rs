//! The program from outside: its commands, its exit codes, how it gets ready and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use support::{Ended, Server, failure, run, run_on};

fn sqlite_in(directory: &tempfile::TempDir) -> String {
    format!("sqlite:{}", directory.path().join("chat.db").display())
}

/// A server that does not get ready.
fn fails_to_serve(arguments: &[&str]) -> Ended {
    run(&[arguments, &["--http", "none"]].concat(), &[])
}

#[test]
fn the_ready_line_says_where_and_on_what_and_is_the_only_output() {
    let mut server = Server::start(&["--store", "memory:", "--node", "n-1"]);
    let address = server.address();
    assert_ne!(address.port(), 0);
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!("chat-server {version} ready: listening on {address}, store memory:, node n-1\n");
    assert_eq!(server.ready_line(), expected);
    assert_eq!(server.terminate().stdout, expected);
}

#[test]
fn a_server_without_a_name_is_named_after_its_machine_and_port() {
    let server = Server::start(&["--store", "memory:"]);
    let port = format!(":{}\n", server.address().port());
    assert!(server.ready_line().ends_with(&port), "{}", server.ready_line());
}

#[test]
fn help_tells_the_exit_codes_and_the_version_is_no_failure() {
    let help = run(&["--help"], &[]);
    assert_eq!(help.code, Some(0));
    for expected in [
        "Exit codes",
        "migrate",
        "check-config",
        "--limits-max-frame",
        "CHAT_LIMITS_MAX_FRAME",
    ] {
        assert!(help.stdout.contains(expected), "{expected}");
    }
    assert!(!run(&["-h"], &[]).stdout.contains("--limits-max-frame"));
    assert_eq!(
        run(&["--version"], &[]).stdout,
        format!("chat-server {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(&["dance"], &[]).code, Some(2));
}

#[test]
fn a_port_in_use_is_named_with_the_flag_and_the_store_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let ended = fails_to_serve(&["--listen", &address, "--store", &sqlite_in(&directory)]);
    let sentence = failure(3, &ended);
    assert!(
        sentence.contains(&address) && sentence.contains("--listen"),
        "{sentence}"
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    let ended = fails_to_serve(&["--listen", "192.0.2.1:6000", "--store", "memory:"]);
    assert!(failure(3, &ended).contains("192.0.2.1:6000"));
}

#[test]
fn a_store_that_cannot_be_written_is_told_by_name() {
    for store in [
        "sqlite:/no/such/directory/chat.db",
        "sqlite:/dev/null/chat.db",
        "sqlite:/",
    ] {
        let ended = fails_to_serve(&["--listen", "127.0.0.1:0", "--store", store]);
        let sentence = failure(4, &ended);
        assert!(sentence.contains(&store["sqlite:".len()..]), "{sentence}");
    }
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    std::fs::write(
        &path,
        "a letter, not a database, and long enough to be looked at".repeat(20),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    for command in ["serve", "migrate"] {
        let ended = run_on(&sqlite_in(&directory), command);
        failure(4, &ended);
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn migrate_brings_a_store_to_this_version_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite_in(&directory);
    let first = run(&["migrate", "--store", &store], &[]);
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    assert!(
        first.stdout.contains(&store) && first.stdout.contains("from version 0 to version "),
        "{}",
        first.stdout
    );
    let mode = std::fs::metadata(directory.path().join("chat.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let second = run(&["migrate", "--store", &store], &[]);
    assert_eq!(second.code, Some(0));
    assert!(second.stdout.contains("up to date"), "{}", second.stdout);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite_in(&directory);
    assert_eq!(run(&["migrate", "--store", &store], &[]).code, Some(0));
    let mut connection = SqliteConnection::connect(&store).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', TRUE, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    for command in ["serve", "migrate"] {
        let ended = run_on(&store, command);
        assert!(failure(4, &ended).contains("9999"), "{}", ended.stderr);
    }
}

#[test]
fn termination_says_goodbye_to_everybody_and_is_no_failure() {
    let mut server = Server::start(&["--store", "memory:", "--drain", "0s"]);
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.request(&json!({"type": "ping", "ref": 1}));
    }
    server.signal_to_end();
    for client in &mut clients {
        let frames = client.rest();
        assert_eq!(frames.len(), 1, "{frames:?}");
        assert_eq!(
            (&frames[0]["type"], &frames[0]["code"]),
            (&json!("goodbye"), &json!("server_draining"))
        );
    }
    drop(clients);
    let ended = server.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_second_signal_ends_at_once() {
    // Without it this would take an hour.
    let mut server = Server::start(&["--store", "memory:", "--drain", "1h"]);
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.request(&json!({"type": "ping", "ref": 1}));
    }
    server.signal_to_end();
    server.wait_for_log("draining");
    let ended = server.terminate();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("second signal"), "{}", ended.stderr);
}

#[test]
fn a_killed_server_starts_again_on_the_same_port_and_store() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(&["--store", &sqlite_in(&directory)]);
    let address = server.address();
    let register = json!({"type": "register", "ref": 1, "name": "alice", "password": "correct horse"});
    assert_eq!(server.connect().request(&register)["type"], "registered");

    server.restart();
    assert_eq!(server.address(), address);
    assert_eq!(server.connect().request(&register)["code"], "name_taken");
}

#[test]
fn the_log_has_the_form_that_was_asked_for() {
    let mut server = Server::start(&["--store", "memory:", "--log-format", "json"]);
    let ended = server.terminate();
    assert!(!ended.stderr.is_empty());
    for line in ended.stderr.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            record["level"].is_string() && record["message"].is_string(),
            "{line}"
        );
    }
    let mut quiet = Server::start(&["--store", "memory:", "--log-level", "off"]);
    assert_eq!(quiet.terminate().stderr, "");
}
