//! Where the event log goes: files, standard error, several at once, and what happens when one cannot be written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use chat_test_services::eventually;
use serde_json::{Value, json};
use support::events::{events, events_in, numbers, older};
use support::{Server, failure, run};
use tempfile::TempDir;

/// A server whose event log is these files of a folder.
fn server(directory: &TempDir, files: &[&str], more: &[&str]) -> Server {
    let urls: Vec<_> = files
        .iter()
        .map(|file| url(&directory.path().join(file)))
        .collect();
    let sinks = ["--store", "memory:", "--event-log", &urls.join(",")];
    Server::start(&[&sinks, more].concat())
}

fn url(file: &Path) -> String {
    format!("file:{}", file.display())
}

/// Makes two records.
fn come_and_go(server: &Server, token: &str) {
    let mut client = server.connect();
    let welcome = client.request(&json!({"type": "login", "ref": 1, "token": token}));
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    client.close();
}

/// Waits until a file has a record of this name, and answers it.
fn wait_for(file: &Path, event: &str) -> Value {
    eventually(&format!("a record {event}"), || {
        events(file).into_iter().find(|record| record["event"] == event)
    })
    .unwrap()
}

#[test]
fn the_first_records_say_how_the_server_is_set_up_and_where_it_is_ready() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(
        &directory,
        &["log"],
        &["--node", "n-1", "--limits-max-frame", "5000"],
    );
    let log = directory.path().join("log");
    let ready = wait_for(&log, "node_ready");
    assert_eq!(ready["fields"], json!({"address": server.address().to_string()}));
    let started = &events(&log)[0];
    assert_eq!(
        (&started["event"], &started["node"], &started["level"]),
        (&json!("node_started"), &json!("n-1"), &json!("info"))
    );
    assert_eq!(started["fields"]["version"], env!("CARGO_PKG_VERSION"));
    let settings = &started["fields"]["settings"];
    assert_eq!(settings["limits.max_frame"], 5_000);
    assert_eq!(settings["store"], "memory:");
    assert_eq!(settings["event_log"], json!([url(&log)]));
}

#[test]
fn a_file_that_has_grown_is_renamed_and_no_record_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let small = [
        "--event-log-file-max-bytes",
        "16384",
        "--event-log-file-max-files",
        "2",
    ];
    let mut server = server(&directory, &["log"], &small);
    let log = directory.path().join("log");
    let (_, token) = server.connect().begin_as("alice");
    for _ in 0..1_000 {
        come_and_go(&server, &token);
        if older(&log, 2).exists() {
            break;
        }
    }
    assert_eq!(server.terminate().code, Some(0));
    let files = [older(&log, 2), older(&log, 1), log];
    let recorded: Vec<Value> = files.iter().flat_map(|file| events(file)).collect();
    let expected: Vec<u64> = (1..=recorded.len() as u64).collect();
    assert_eq!(numbers(&recorded), expected);
    assert_eq!(recorded.last().unwrap()["event"], "node_stopped");
    for file in &files {
        let metadata = fs::metadata(file).unwrap();
        assert!(metadata.len() <= 16_384, "{}", file.display());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert!(!older(&files[2], 3).exists());
}

#[test]
fn several_places_get_the_same_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = server(&directory, &["one", "other"], &["--log-level", "off"]);
    server.connect().begin_as("alice");
    assert_eq!(server.terminate().code, Some(0));
    let [one, other] = ["one", "other"].map(|name| fs::read_to_string(directory.path().join(name)).unwrap());
    assert_eq!(one, other);
    let recorded = events_in(&one);
    assert!(recorded.iter().any(|record| record["event"] == "session_opened"));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    let both = format!("stderr:,{}", url(&file));
    let mut server = Server::start(&["--store", "memory:", "--log-level", "off", "--event-log", &both]);
    let ended = server.terminate();
    assert_eq!(ended.stderr, fs::read_to_string(&file).unwrap());
    assert_eq!(events(&file)[0]["event"], "node_started");
}

#[test]
fn without_a_place_nothing_is_written() {
    let mut server = Server::start(&["--store", "memory:", "--event-log", "", "--log-level", "off"]);
    server.connect().begin_as("alice");
    assert_eq!(server.terminate().stderr, "");
}

#[test]
fn a_file_that_was_renamed_is_made_anew_and_no_record_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = server(&directory, &["log"], &[]);
    let [log, taken] = ["log", "taken"].map(|name| directory.path().join(name));
    let (_, token) = server.connect().begin_as("alice");
    wait_for(&log, "session_opened");
    fs::rename(&log, &taken).unwrap();
    server.reload();
    come_and_go(&server, &token);
    wait_for(&log, "session_opened");
    assert_eq!(server.terminate().code, Some(0));
    let recorded = [events(&taken), events(&log)].concat();
    let expected: Vec<u64> = (1..=recorded.len() as u64).collect();
    assert_eq!(numbers(&recorded), expected);
}

#[test]
fn a_file_that_cannot_be_written_is_told_elsewhere_and_heals() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let often = ["--limits-status-interval", "100ms"];
    let mut server = server(&directory, &["folder/log", "kept"], &often);
    let kept = directory.path().join("kept");
    wait_for(&folder.join("log"), "node_ready");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(wait_for(&kept, "log_lost")["level"], "warn");
    fs::create_dir(&folder).unwrap();
    assert!(wait_for(&kept, "log_regained")["fields"]["away_ms"].is_number());
    let dropped = wait_for(&kept, "records_dropped");
    assert!(dropped["fields"]["total"].as_u64().unwrap() > 0, "{dropped}");
    wait_for(&folder.join("log"), "status");
    assert_eq!(server.terminate().code, Some(0));
    assert_eq!(
        events(&folder.join("log")).last().unwrap()["event"],
        "node_stopped"
    );
}

#[test]
fn warnings_of_the_program_are_records_too() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("chat.toml");
    let log = directory.path().join("log");
    let text = format!(
        "http = \"none\"\nstore = \"memory:\"\nlog_level = \"off\"\nevent_log = [{:?}]\n",
        url(&log)
    );
    fs::write(&config, &text).unwrap();
    let mut server = Server::start(&["--config", config.to_str().unwrap()]);
    fs::write(&config, format!("{text}lisen = \"x\"\n")).unwrap();
    server.reload();
    let traced = eventually("the warning is recorded", || {
        let mut records = events(&log).into_iter();
        records.find(|record| record["fields"]["target"] == "chat_server::reload")
    })
    .unwrap();
    assert_eq!(
        (&traced["event"], &traced["level"]),
        (&json!("traced"), &json!("warn"))
    );
    let fields = &traced["fields"];
    assert!(
        fields["message"]
            .as_str()
            .unwrap()
            .starts_with("the settings stay"),
        "{fields}"
    );
    assert!(fields["error"].as_str().unwrap().contains("`lisen`"), "{fields}");
    let ended = server.terminate();
    assert_eq!(
        ended.stderr, "",
        "what `log_level` leaves out is recorded all the same"
    );
}

/// The one sentence of a run that must fail for its settings.
fn mistake(arguments: &[&str]) -> String {
    let always = ["--listen", "127.0.0.1:0", "--http", "none", "--store", "memory:"];
    failure(2, &run(&[&always, arguments].concat(), &[])).to_owned()
}

#[test]
fn places_that_cannot_be_are_refused_without_showing_a_secret() {
    let missing = PathBuf::from("/no/such/folder/log");
    for (urls, part) in [
        (url(&missing).as_str(), "/no/such/folder/log"),
        ("file:/", "names no file"),
        ("events.jsonl", "`file:events.jsonl`"),
        ("stderr:here", "nothing after the colon"),
        ("nats://chat:hunter2@bus/log", "`kafka://…`"),
        ("kafka:chat:hunter2@kafka:9092/log", "`event_log`"),
        ("kafka://chat:hunter2@kafka:port/log", "`event_log`"),
        ("stderr:,stderr:", "twice"),
    ] {
        let sentence = mistake(&["--event-log", urls]);
        assert!(
            sentence.contains(part) && !sentence.contains("hunter2"),
            "{urls}: {sentence}"
        );
    }
}

#[cfg(not(feature = "kafka"))]
#[test]
fn kafka_that_is_not_built_in_names_the_feature() {
    let sentence = mistake(&["--event-log", "kafka://chat:hunter2@kafka:9092/log"]);
    assert!(
        sentence.contains("--features kafka") && !sentence.contains("hunter2"),
        "{sentence}"
    );
}
