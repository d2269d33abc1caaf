//! SIGHUP: what is read again, what is refused, and what is said of either.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chat_test_services::eventually;
use serde_json::{Value, json};
use support::Server;
use support::events::events;
use tempfile::TempDir;

/// A server with a settings file that a test rewrites.
struct Scene {
    directory: TempDir,
    server: Server,
}

impl Scene {
    fn start(settings: &str, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(&directory, settings);
        let config = directory.path().join("chat.toml");
        let server = Server::start(&[&["--config", config.to_str().unwrap()], more].concat());
        Self { directory, server }
    }

    /// Rewrites the settings and sends the signal.
    fn reload(&mut self, settings: &str) {
        write(&self.directory, settings);
        self.server.reload();
    }

    fn events(&self, event: &str) -> Vec<Value> {
        let mut recorded = events(&log(&self.directory));
        recorded.retain(|record| record["event"] == event);
        recorded
    }

    /// Waits for the record of this reload.
    fn reloaded(&self, count: usize) -> Value {
        let records = eventually("the settings are read again", || {
            let records = self.events("settings_reloaded");
            (records.len() >= count).then_some(records)
        })
        .unwrap();
        records[count - 1]["fields"].clone()
    }
}

fn log(directory: &TempDir) -> PathBuf {
    directory.path().join("log")
}

fn write(directory: &TempDir, settings: &str) {
    let always = format!(
        "http = \"none\"\nstore = \"memory:\"\nevent_log = [\"file:{}\"]\n",
        log(directory).display()
    );
    fs::write(directory.path().join("chat.toml"), always + settings).unwrap();
}

#[test]
fn what_can_be_applied_is_and_the_rest_is_named() {
    let mut scene = Scene::start("log_level = \"info\"", &[]);
    scene.reload("log_level = \"debug\"\ndrain = \"7s\"\nfriends_only = true\n[limits]\nmax_frame = 5000");
    let expected = json!({
        "applied": ["drain", "log_level"],
        "at_next_start": ["friends_only", "limits.max_frame"],
    });
    assert_eq!(scene.reloaded(1), expected);
    scene
        .server
        .wait_for_log("\"at_next_start\":[\"friends_only\",\"limits.max_frame\"]");
    // What counts from the next start on stays outstanding; what was applied does not.
    scene.server.reload();
    let expected = json!({"applied": [], "at_next_start": ["friends_only", "limits.max_frame"]});
    assert_eq!(scene.reloaded(2), expected);
}

#[test]
fn the_log_level_changes_at_once() {
    let mut scene = Scene::start("log_level = \"info\"", &[]);
    scene.server.connect().begin_as("alice");
    assert!(!scene.server.stderr().contains("session_opened"));
    scene.reload("log_level = \"debug\"");
    scene.reloaded(1);
    scene.server.connect().begin_as("bob");
    scene.server.wait_for_log("session_opened");

    scene.reload("log_level = \"error\"");
    scene.reloaded(2);
    let before = scene.server.stderr().matches("session_opened").count();
    scene.server.connect().begin_as("carol");
    assert_eq!(
        scene.server.terminate().stderr.matches("session_opened").count(),
        before
    );
}

#[test]
fn the_time_of_draining_is_the_one_that_was_read_last() {
    // With the first one the test would take an hour.
    let mut scene = Scene::start("drain = \"1h\"", &[]);
    let mut clients: Vec<_> = (0..4).map(|_| scene.server.connect()).collect();
    for client in &mut clients {
        client.request(&json!({"type": "ping", "ref": 1}));
    }
    scene.reload("drain = \"0s\"");
    assert_eq!(scene.reloaded(1)["applied"], json!(["drain"]));
    let started = Instant::now();
    scene.server.signal_to_end();
    for client in &mut clients {
        assert_eq!(client.frame()["code"], "server_draining");
    }
    drop(clients);
    assert_eq!(scene.server.wait().code, Some(0));
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_mistake_is_told_and_the_settings_stay() {
    let mut scene = Scene::start("log_level = \"info\"", &[]);
    for (settings, part) in [
        ("log_level = \"debug\"\nlisen = \"x\"", "`lisen`"),
        (
            "log_level = \"debug\"\n[limits]\nmax_frame = 1",
            "`limits.max_frame`",
        ),
        ("log_level = \"debug=\"loud", "not valid TOML"),
    ] {
        scene.reload(settings);
        scene.server.wait_for_log(part);
    }
    scene.server.wait_for_log("the settings stay as they are");
    scene.server.connect().begin_as("alice");
    fs::remove_file(scene.directory.path().join("chat.toml")).unwrap();
    scene.server.reload();
    scene.server.wait_for_log("cannot read the settings file");
    assert!(
        !scene.server.stderr().contains("session_opened"),
        "nothing of it counts"
    );
    assert_eq!(scene.events("settings_reloaded"), [] as [Value; 0]);

    scene.reload("log_level = \"warn\"");
    assert_eq!(scene.reloaded(1)["applied"], json!(["log_level"]));
}

#[test]
fn flags_win_over_the_file_at_a_reload_too() {
    let mut scene = Scene::start("log_level = \"info\"", &["--log-level", "warn"]);
    scene.reload("log_level = \"debug\"");
    assert_eq!(scene.reloaded(1), json!({"applied": [], "at_next_start": []}));
}
