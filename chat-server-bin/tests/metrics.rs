//! What a real server answers at `/metrics`: as `docs/metrics.md` has it, and moved by what happens.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod scrape;
mod support;

use std::path::Path;

use chat_test_services::eventually;
use scrape::{Documented, Scrape, documented};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use support::{Server, Wire};

fn start(arguments: &[&str]) -> Server {
    Server::start(&[&["--http", "127.0.0.1:0"], arguments].concat())
}

/// Waits for what is looked at once a second.
fn wait_for(server: &Server, what: &str, condition: impl Fn(&Scrape) -> bool) {
    eventually(what, || condition(&Scrape::of(server)).then_some(())).unwrap_or_else(|error| {
        panic!("{error}:\n{}", Scrape::of(server).text);
    });
}

#[test]
fn every_metric_is_documented_with_its_type_and_meaning_and_every_documented_one_is_there() {
    let server = start(&["--store", "memory:"]);
    let scrape = Scrape::of(&server);
    scrape.check_form();
    let documented = documented();
    for (name, Documented { kind, labels, help }) in &documented {
        let family = scrape
            .families
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!((&family.kind, &family.help), (kind, help), "{name}");
        for label in family.labels.iter().filter(|(label, _)| label != "version") {
            assert!(labels.contains(label), "{name}: {label:?} is not documented");
        }
        // A series that has not happened yet is 0, and not absent.
        for label in labels {
            assert!(family.labels.contains(label), "{name}: {label:?} is not there");
        }
    }
    let unknown: Vec<_> = scrape
        .families
        .keys()
        .filter(|name| !documented.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "not documented: {unknown:?}");
}

enum Who {
    Alice,
    Bob,
}

/// Two users who write to each other and make every kind of request.
fn chat(server: &Server) -> (Wire, Wire) {
    let (mut alice, mut bob) = (server.connect(), server.connect());
    let (alice_id, _) = alice.begin_as("alice");
    let (bob_id, token) = bob.begin_as("bob");
    let group =
        alice.request(&json!({"type": "create_group", "ref": 1, "name": "group"}))["group"]["id"].clone();
    for (who, request) in [
        (Who::Bob, json!({"type": "join_group", "group": group})),
        (
            Who::Alice,
            json!({"type": "send", "to": {"group": group}, "body": "to all", "id": "m-1"}),
        ),
        (
            Who::Alice,
            json!({"type": "send", "to": {"group": group}, "body": "to all", "id": "m-1"}),
        ),
        (
            Who::Alice,
            json!({"type": "send", "to": {"user": bob_id}, "body": "to bob"}),
        ),
        (
            Who::Bob,
            json!({"type": "ack", "conversation": format!("d:{alice_id}:{bob_id}"), "seq": 1}),
        ),
        (
            Who::Bob,
            json!({"type": "history", "conversation": format!("d:{alice_id}:{bob_id}")}),
        ),
        (Who::Bob, json!({"type": "conversations"})),
        (Who::Bob, json!({"type": "members", "group": group})),
        (Who::Bob, json!({"type": "groups"})),
        (Who::Bob, json!({"type": "leave_group", "group": group})),
        (Who::Alice, json!({"type": "add_friend", "name": "bob"})),
        (Who::Alice, json!({"type": "friends"})),
        (Who::Alice, json!({"type": "find_user", "name": "bob"})),
        (Who::Alice, json!({"type": "remove_friend", "user": bob_id})),
        (Who::Alice, json!({"type": "ping"})),
    ] {
        let mut request = request;
        request["ref"] = "r".into();
        let wire = match who {
            Who::Alice => &mut alice,
            Who::Bob => &mut bob,
        };
        let reply = wire.request(&request);
        assert_ne!(reply["type"], "error", "{request}: {reply}");
    }
    let mut third = server.connect();
    third.request(&json!({"type": "login", "ref": 1, "token": token, "device": "phone"}));
    third.request(&json!({"type": "logout", "ref": 2}));
    (alice, bob)
}

const MOVED_BY_CHATTING: &[&str] = &[
    "chat_connections_accepted_total",
    "chat_connections_closed_total{reason=\"disconnected\"}",
    "chat_logins_total{method=\"password\",outcome=\"ok\"}",
    "chat_logins_total{method=\"token\",outcome=\"ok\"}",
    "chat_registrations_total{outcome=\"ok\"}",
    "chat_password_wait_seconds_count",
    "chat_password_hash_seconds_count",
    "chat_messages_stored_total",
    "chat_messages_duplicate_total",
    "chat_send_seconds_count",
    "chat_writer_batch_messages_count",
    "chat_deliveries_total",
    "chat_delivery_read_seconds_count",
    "chat_acks_total",
    "chat_store_call_seconds_count{call=\"append\"}",
    "chat_store_call_seconds_count{call=\"read\"}",
    "chat_store_call_seconds_count{call=\"write\"}",
    "chat_bus_call_seconds_count{call=\"publish\"}",
    "chat_bus_call_seconds_count{call=\"subscribe\"}",
    "chat_presence_call_seconds_count",
    "chat_bus_notices_published_total",
    "chat_tcp_received_bytes_total",
    "chat_tcp_sent_bytes_total",
];

#[test]
fn what_is_done_moves_what_counts_it() {
    let server = start(&["--store", "memory:"]);
    let before = Scrape::of(&server);
    let (alice, bob) = chat(&server);
    wait_for(&server, "sessions and users are shown", |scrape| {
        scrape.value("chat_sessions") == 2.0
            && scrape.value("chat_users_online") == 2.0
            && scrape.value("chat_connections") == 2.0
            && scrape.value("chat_topics") == 3.0
    });
    let after = Scrape::of(&server);
    for series in MOVED_BY_CHATTING {
        assert!(after.value(series) > before.value(series), "{series}");
    }
    let requests = documented()["chat_requests_total"].labels.clone();
    for (_, request) in requests.iter().filter(|(_, request)| request != "invalid") {
        for name in ["chat_requests_total", "chat_request_seconds_count"] {
            let series = format!("{name}{{request=\"{request}\"}}");
            assert!(after.value(&series) > before.value(&series), "{series}");
        }
    }
    assert_eq!(after.value("chat_messages_stored_total"), 2.0);
    assert_eq!(after.value("chat_messages_duplicate_total"), 1.0);
    assert_eq!(after.value("chat_deliveries_total"), 2.0);
    for backend in ["store", "bus", "presence", "log"] {
        assert_eq!(
            after.value(&format!("chat_backend_available{{backend=\"{backend}\"}}")),
            1.0
        );
    }
    assert_eq!(
        (after.value("chat_ready"), after.value("chat_draining")),
        (1.0, 0.0)
    );
    assert_eq!(after.value("chat_queue_limit{queue=\"writer\"}"), 4_096.0);
    drop((alice, bob));
    wait_for(&server, "those who left are gone", |scrape| {
        scrape.value("chat_sessions") == 0.0 && scrape.value("chat_connections") == 0.0
    });
}

#[test]
fn errors_refusals_and_limits_are_counted_by_what_they_are() {
    let limits = [
        "--limits-failed-logins-burst",
        "2",
        "--limits-connections-per-address",
        "3",
    ];
    let server = start(&[&["--store", "memory:"], &limits[..]].concat());
    let before = Scrape::of(&server);
    let mut alice = server.connect();
    for request in [
        json!({"type": "dance", "ref": 1}),
        json!({"type": "friends", "ref": 1}),
    ] {
        alice.request(&request);
    }
    alice.begin_here_as("alice");
    for request in [
        json!({"type": "login", "ref": 2, "name": "alice", "password": "correct horse"}),
        json!({"type": "register", "ref": 2, "name": "ALICE", "password": "correct horse"}),
        json!({"type": "find_user", "ref": 2, "name": "nobody"}),
        json!({"type": "history", "ref": 2, "conversation": "d:7:8"}),
    ] {
        assert_eq!(alice.request(&request)["type"], "error");
    }
    let mut guesser = server.connect();
    for _ in 0..3 {
        guesser.request(&json!({"type": "login", "ref": 1, "name": "alice", "password": "wrong horse"}));
    }
    guesser.request(&json!({"type": "login", "ref": 1, "token": "nonsense"}));
    let mut flood = server.connect();
    let mut refused = server.connect();
    assert_eq!(refused.rest().last().unwrap()["code"], "too_many_connections");
    flood.send_line(&"x".repeat(70_000));
    assert_eq!(flood.rest().last().unwrap()["code"], "frame_too_large");

    let moved = [
        "chat_requests_total{request=\"invalid\"}",
        "chat_errors_total{code=\"bad_frame\"}",
        "chat_errors_total{code=\"unauthenticated\"}",
        "chat_errors_total{code=\"already_logged_in\"}",
        "chat_errors_total{code=\"name_taken\"}",
        "chat_errors_total{code=\"not_found\"}",
        "chat_errors_total{code=\"forbidden\"}",
        "chat_errors_total{code=\"invalid_credentials\"}",
        "chat_errors_total{code=\"rate_limited\"}",
        "chat_registrations_total{outcome=\"name_taken\"}",
        "chat_logins_total{method=\"password\",outcome=\"invalid_credentials\"}",
        "chat_logins_total{method=\"password\",outcome=\"rate_limited\"}",
        "chat_logins_total{method=\"token\",outcome=\"invalid_credentials\"}",
        "chat_limit_hits_total{limit=\"failed_logins_per_minute\"}",
        "chat_limit_hits_total{limit=\"connections_per_address\"}",
        "chat_limit_hits_total{limit=\"max_frame\"}",
        "chat_goodbyes_total{code=\"too_many_connections\"}",
        "chat_goodbyes_total{code=\"frame_too_large\"}",
        "chat_connections_closed_total{reason=\"frame_too_large\"}",
    ];
    wait_for(&server, "all of it is counted", |scrape| {
        moved
            .iter()
            .all(|series| scrape.value(series) > before.value(series))
    });
}

/// Another program's connection to the store's file.
fn open(file: &Path) -> SqliteConnection {
    block_on(SqliteConnectOptions::new().filename(file).connect()).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

#[test]
fn a_store_that_does_not_answer_is_shown_and_so_is_its_return() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("chat.db");
    let store = format!("sqlite:{}", file.display());
    let server = start(&["--store", &store, "--limits-store-timeout", "300ms"]);
    let mut alice = server.connect();
    alice.begin_as("alice");
    let mut other = open(&file);
    block_on(sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other)).unwrap();
    let send = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "x", "id": "m-1"});
    assert_eq!(alice.request(&send)["code"], "unavailable");
    wait_for(&server, "the store is shown as away", |scrape| {
        scrape.value("chat_backend_available{backend=\"store\"}") == 0.0 && scrape.value("chat_ready") == 0.0
    });
    let away = Scrape::of(&server);
    assert!(away.value("chat_backend_errors_total{backend=\"store\"}") > 0.0);
    assert!(away.value("chat_errors_total{code=\"unavailable\"}") > 0.0);
    block_on(sqlx::raw_sql("ROLLBACK").execute(&mut other)).unwrap();
    eventually("it is stored again", || {
        (alice.request(&send)["type"] == "sent").then_some(())
    })
    .unwrap();
    wait_for(&server, "the store is shown as back", |scrape| {
        scrape.value("chat_backend_available{backend=\"store\"}") == 1.0 && scrape.value("chat_ready") == 1.0
    });
}

#[test]
fn draining_is_shown_while_goodbyes_are_said() {
    let mut server = start(&["--store", "memory:", "--drain", "20s"]);
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    clients[0].begin_as("alice");
    server.signal_to_end();
    wait_for(&server, "draining is shown", |scrape| {
        scrape.value("chat_draining") == 1.0
            && scrape.value("chat_ready") == 0.0
            && scrape.value("chat_goodbyes_total{code=\"server_draining\"}") > 0.0
    });
}
