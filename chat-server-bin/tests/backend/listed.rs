//! Backends that a node is told of by its `store`.

use std::collections::BTreeSet;

use chat_test_services::eventually;
use libtest_mimic::Trial;
use serde_json::json;

use crate::stage::{Pair, Stage, at, wait_for_readiness};
use crate::support::events::numbers;
use crate::support::http::get;
use crate::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "listed::a_node_on_a_backend_is_a_server_like_any_other",
            a_node_on_a_backend_is_a_server_like_any_other,
        ),
        test("listed::a_backend_serves_no_client", a_backend_serves_no_client),
        test(
            "listed::a_backend_says_what_it_is_and_how_it_is_doing",
            a_backend_says_what_it_is_and_how_it_is_doing,
        ),
        test(
            "listed::settings_are_read_again_by_a_backend_too",
            settings_are_read_again_by_a_backend_too,
        ),
    ]
}

/// The store is where the backend is: a second node, and a node that starts again, find everything there.
fn a_node_on_a_backend_is_a_server_like_any_other() {
    let stage = Stage::new();
    let backend = stage.backend("b-1", &[]);
    let store = at("grpc", &[&backend]);
    let node = stage.node("n-1", &store, &[]);
    assert!(
        node.ready_line()
            .contains(&format!(" ready: listening on {}", node.address()))
    );
    assert!(
        node.ready_line().contains(&format!("store {store}")),
        "{}",
        node.ready_line()
    );
    let mut pair = Pair::on(&node);
    for _ in 0..20 {
        pair.exchange();
    }
    let other = stage.node("n-2", &store, &[]);
    let mut bob = other.connect();
    let login =
        json!({"type": "login", "ref": 1, "name": "bob", "password": "correct horse", "device": "phone"});
    let welcome = bob.request(&login);
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    for number in 1..=20 {
        let delivered = bob.frame();
        assert_eq!(
            (&delivered["type"], &delivered["seq"]),
            (&json!("message"), &json!(number))
        );
    }
}

/// What a client says is no RPC, and a client that waits is told nothing.
fn a_backend_serves_no_client() {
    let stage = Stage::new();
    let backend = stage.backend("b-1", &["--limits-login-timeout", "1s"]);
    let mut client = backend.connect();
    client.send(&json!({"type": "ping", "ref": 1}));
    client.end_sending();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.socket(), &mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("pong"), "{answer}");
    let node = stage.node("n-1", &at("grpc", &[&backend]), &[]);
    Pair::on(&node).exchange();
}

fn a_backend_says_what_it_is_and_how_it_is_doing() {
    let stage = Stage::new();
    let mut backend = stage.backend("b-1", &["--limits-status-interval", "100ms"]);
    let (line, version) = (backend.ready_line().to_owned(), env!("CARGO_PKG_VERSION"));
    let beginning = format!(
        "chat-server {version} backend ready: listening on {}, http {}, store sqlite:",
        backend.address(),
        backend.http()
    );
    assert!(
        line.starts_with(&beginning) && line.trim_end().ends_with(", node b-1"),
        "{line}"
    );
    wait_for_readiness(&backend, 200, "ready\n");
    let node = stage.node("n-1", &at("grpc", &[&backend]), &[]);
    Pair::on(&node).exchange();

    let counted = get(backend.http(), "/metrics").body;
    let writes = counted
        .lines()
        .find_map(|line| line.strip_prefix("chat_rpc_serving_seconds_count{kind=\"append\"} "));
    assert!(writes.is_some_and(|count| count != "0"), "{writes:?}");
    let state = eventually("the status is recorded", || {
        let events = stage.events("b-1");
        events.into_iter().find(|record| record["event"] == "status")
    });
    assert_eq!(state.unwrap()["fields"]["state"], "ready");
    let ended = backend.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let events = stage.events("b-1");
    let expected: Vec<_> = (1..=events.len() as u64).collect();
    assert_eq!(numbers(&events), expected, "nothing is missing");
    assert_eq!(
        (&events[0]["event"], &events[0]["fields"]["role"]),
        (&json!("node_started"), &json!("backend"))
    );
    let settings = &events[0]["fields"]["settings"];
    assert_eq!(settings["backend.connections"], 1_024, "{settings}");
    assert_eq!(
        stage.recorded("b-1", "node_ready"),
        json!({"address": backend.address().to_string()})
    );
    assert_eq!(events[events.len() - 1]["event"], "node_stopped");
    let of_the_end = ["node_draining", "node_stopped"];
    let others = ["node_started", "node_ready", "status", "traced"];
    let known = BTreeSet::from_iter(of_the_end.iter().chain(&others).copied());
    for record in &events {
        assert!(known.contains(record["event"].as_str().unwrap()), "{record}");
    }
    assert_eq!(stage.recorded("n-1", "node_started")["role"], "clients");
}

fn settings_are_read_again_by_a_backend_too() {
    let stage = Stage::new();
    let file = stage.file("chat.toml");
    std::fs::write(&file, "").unwrap();
    let mut backend = stage.backend("b-1", &["--config", &stage.path("chat.toml")]);
    std::fs::write(&file, "log_level = 'warn'\n[backend]\nconnections = 7").unwrap();
    backend.reload();
    let expected = json!({"applied": ["log_level"], "at_next_start": ["backend.connections"]});
    assert_eq!(stage.recorded("b-1", "settings_reloaded"), expected);
}
