//! Every error code and every goodbye code of the protocol, reached over a real socket.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use chat_core::{ErrorCode, GoodbyeCode};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use support::{Bystanders, Server, Wire};

const MEMORY: &[&str] = &["--store", "memory:"];

fn code(frame: &Value) -> String {
    frame["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no code in {frame}"))
        .to_owned()
}

/// The code of the goodbye that ends a connection.
fn goodbye(wire: &mut Wire) -> String {
    let frames = wire.rest();
    let last = frames.last().expect("a goodbye comes before the end");
    assert_eq!(last["type"], "goodbye", "{last}");
    code(last)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Another program's connection to the store's file.
fn open(file: &Path) -> SqliteConnection {
    block_on(SqliteConnectOptions::new().filename(file).connect()).unwrap()
}

fn execute(connection: &mut SqliteConnection, statement: &'static str) {
    block_on(sqlx::raw_sql(statement).execute(connection)).unwrap();
}

/// A server whose store is this file and whose calls to it do not take long.
fn on_file(file: &Path) -> Server {
    let store = format!("sqlite:{}", file.display());
    Server::start(&["--store", &store, "--limits-store-timeout", "300ms"])
}

/// The codes of what clients do wrong.
fn refused() -> Vec<String> {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    let mut codes = Vec::new();
    for request in [
        json!({"type": "dance", "ref": 1}),
        json!({"type": "friends", "ref": 1}),
        json!({"type": "login", "ref": 1, "name": "nobody", "password": "correct horse"}),
        json!({"type": "login", "ref": 1, "token": "nonsense"}),
    ] {
        codes.push(code(&wire.request(&request)));
    }
    wire.begin_as("alice");
    let mut other = server.connect();
    other.begin_as("bob");
    let made = other.request(&json!({"type": "create_group", "ref": 1, "name": "group"}));
    let group = &made["group"]["id"];
    for request in [
        json!({"type": "login", "ref": 2, "name": "alice", "password": "correct horse"}),
        json!({"type": "register", "ref": 2, "name": "ALICE", "password": "correct horse"}),
        json!({"type": "create_group", "ref": 2, "name": "Group"}),
        json!({"type": "find_user", "ref": 2, "name": "nobody"}),
        json!({"type": "join_group", "ref": 2, "group": 999}),
        json!({"type": "send", "ref": 2, "to": {"group": group}, "body": "x"}),
        json!({"type": "history", "ref": 2, "conversation": format!("g:{group}")}),
        json!({"type": "members", "ref": 2, "group": group}),
    ] {
        codes.push(code(&wire.request(&request)));
    }
    bystanders.still_chat();
    codes
}

#[test]
fn each_mistake_has_its_code_and_wrong_logins_share_one_text() {
    assert_eq!(
        refused(),
        [
            "bad_frame",
            "unauthenticated",
            "invalid_credentials",
            "invalid_credentials",
            "already_logged_in",
            "name_taken",
            "name_taken",
            "not_found",
            "not_found",
            "forbidden",
            "forbidden",
            "forbidden",
        ]
    );
}

#[test]
fn wrong_names_passwords_and_tokens_get_one_text() {
    let server = Server::start(MEMORY);
    server.connect().begin_as("alice");
    let mut wire = server.connect();
    let texts: BTreeSet<_> = [
        json!({"type": "login", "ref": 1, "name": "nobody", "password": "correct horse"}),
        json!({"type": "login", "ref": 1, "name": "alice", "password": "wrong horse"}),
        json!({"type": "login", "ref": 1, "id": 999, "password": "correct horse"}),
        json!({"type": "login", "ref": 1, "token": "nonsense"}),
    ]
    .iter()
    .map(|login| wire.request(login)["message"].to_string())
    .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

/// A flood, beyond its allowance.
fn flooded() -> String {
    let limits = [
        "--limits-requests-burst",
        "200",
        "--limits-requests-per-second",
        "100",
    ];
    let server = Server::start(&[MEMORY, &limits].concat());
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    let flood: String = (0..400)
        .map(|number| format!("{{\"type\":\"ping\",\"ref\":{number}}}\n"))
        .collect();
    wire.send_bytes(flood.as_bytes()).unwrap();
    let replies: Vec<_> = (0..400).map(|_| wire.frame()).collect();
    for (number, reply) in replies.iter().enumerate() {
        assert_eq!(reply["ref"], number, "{reply}");
    }
    assert!(replies[..200].iter().all(|reply| reply["type"] == "pong"));
    let refused = replies
        .iter()
        .find(|reply| reply["type"] == "error")
        .expect("a flood is limited");
    assert!(refused["retry_after_ms"].as_u64() > Some(0), "{refused}");
    bystanders.still_chat();
    code(refused)
}

#[test]
fn a_flood_is_rate_limited_and_every_request_is_answered_in_order() {
    assert_eq!(flooded(), "rate_limited");
}

/// A store that another program has locked.
fn locked_out() -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("chat.db");
    let server = on_file(&file);
    let mut wire = server.connect();
    let (id, _) = wire.begin_as("alice");
    let send = json!({"type": "send", "ref": 1, "to": {"user": id}, "body": "x", "id": "once"});

    let mut lock = open(&file);
    execute(&mut lock, "BEGIN EXCLUSIVE");
    let error = wire.request(&send);
    assert!(error["retry_after_ms"].as_u64() > Some(0), "{error}");
    // The session stays, and so does what needs no store.
    assert_eq!(wire.request(&json!({"type": "ping", "ref": 2}))["type"], "pong");
    assert_eq!(wire.request(&send)["code"], error["code"]);
    execute(&mut lock, "COMMIT");

    // What was under way when the lock went may still be refused; sooner or later it is stored.
    let sent = std::iter::repeat_with(|| wire.request(&send))
        .take(100)
        .find(|reply| reply["type"] == "sent");
    assert_eq!(sent.expect("the store is back")["seq"], 1);
    let again = wire.request(&send);
    assert_eq!(
        (&again["seq"], &again["duplicate"]),
        (&json!(1), &json!(true)),
        "{again}"
    );
    let history = json!({"type": "history", "ref": 3, "conversation": format!("d:{id}:{id}")});
    assert_eq!(
        wire.request(&history)["messages"].as_array().map(Vec::len),
        Some(1)
    );
    let log = server.stderr();
    assert_eq!(log.matches("store_lost").count(), 1, "{log}");
    code(&error)
}

#[test]
fn a_locked_store_is_unavailable_and_the_same_id_is_stored_once_afterwards() {
    assert_eq!(locked_out(), "unavailable");
}

/// A store that somebody has damaged.
fn damaged() -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("chat.db");
    let server = on_file(&file);
    let mut wire = server.connect();
    wire.begin_as("alice");
    execute(
        &mut open(&file),
        "PRAGMA legacy_alter_table = ON; ALTER TABLE Friend RENAME TO Gone",
    );
    let error = wire.request(&json!({"type": "friends", "ref": "r-7"}));
    let shown = error.to_string();
    assert!(!shown.contains("Friend") && !shown.contains("table"), "{shown}");
    server.wait_for_log("r-7");
    assert!(server.stderr().contains("no such table"));
    // What needs no friends goes on.
    let made = wire.request(&json!({"type": "create_group", "ref": 1, "name": "group"}));
    assert_eq!(made["type"], "group_created", "{made}");
    code(&error)
}

#[test]
fn a_damaged_store_is_internal_and_only_the_log_knows_why() {
    assert_eq!(damaged(), "internal");
}

fn too_large() -> String {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    wire.send_line(&format!(
        "{{\"type\":\"ping\",\"ref\":1}}\n{{\"type\":\"ping\",\"x\":\"{}\"}}",
        "x".repeat(65_536)
    ));
    assert_eq!(wire.frame()["type"], "pong");
    bystanders.still_chat();
    goodbye(&mut wire)
}

#[test]
fn a_frame_of_the_limit_passes_and_one_byte_more_ends_the_connection() {
    let server = Server::start(MEMORY);
    let frame = |bytes: usize| {
        let empty = json!({"type": "ping", "x": ""}).to_string();
        json!({"type": "ping", "x": "x".repeat(bytes - empty.len())}).to_string()
    };
    let mut wire = server.connect();
    wire.send_line(&format!("{}\r", frame(65_536)));
    assert_eq!(wire.frame()["type"], "pong");
    wire.send_line(&frame(65_537));
    assert_eq!(goodbye(&mut wire), "frame_too_large");
}

#[test]
fn every_error_code_is_reached() {
    let mut reached: BTreeSet<_> = refused().into_iter().collect();
    reached.extend([flooded(), locked_out(), damaged(), too_large()]);
    let all: BTreeSet<_> = ErrorCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(reached, all);
}

fn replaced() -> String {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let mut older = server.connect();
    let (_, token) = older.begin_as("alice");
    let mut newer = server.connect();
    assert_eq!(
        newer.request(&json!({"type": "login", "ref": 1, "token": token}))["type"],
        "welcome"
    );
    let code = goodbye(&mut older);
    assert_eq!(newer.request(&json!({"type": "ping", "ref": 2}))["type"], "pong");
    bystanders.still_chat();
    code
}

fn always_wrong() -> String {
    let limits = ["--limits-errors-burst", "20", "--limits-errors-per-second", "1"];
    let server = Server::start(&[MEMORY, &limits].concat());
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    wire.send_bytes(&b"nonsense\n".repeat(100)).unwrap();
    let frames = wire.rest();
    let (last, errors) = frames.split_last().unwrap();
    assert!(
        errors.len() > 20 && errors.iter().all(|error| error["code"] == "bad_frame"),
        "{errors:?}"
    );
    bystanders.still_chat();
    code(last)
}

fn never_logged_in() -> String {
    let server = Server::start(&[MEMORY, &["--limits-login-timeout", "500ms"]].concat());
    goodbye(&mut server.connect())
}

fn idle() -> String {
    let server = Server::start(&[MEMORY, &["--limits-idle-timeout", "3s"]].concat());
    // The bystanders are never idle for so long.
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    wire.begin_as("alice");
    let code = goodbye(&mut wire);
    bystanders.still_chat();
    code
}

fn crowded() -> String {
    let server = Server::start(&[MEMORY, &["--limits-connections-per-address", "3"]].concat());
    // Registering takes a third connection for a moment.
    let mut first = server.connect();
    first.begin_as("alice");
    let mut more: Vec<_> = (0..3).map(|_| server.connect()).collect();
    let code = goodbye(more.last_mut().unwrap());
    assert_eq!(first.request(&json!({"type": "ping", "ref": 1}))["type"], "pong");
    code
}

fn drained() -> String {
    let mut server = Server::start(MEMORY);
    let mut wire = server.connect();
    wire.begin_as("alice");
    server.signal_to_end();
    let code = goodbye(&mut wire);
    assert_eq!(server.wait().code, Some(0));
    code
}

/// Only an application that embeds the chat expels; this one serves the same socket.
fn expelled() -> String {
    use chat_core::{Chat, memory};
    block_on(async {
        let chat = Chat::builder(memory::backends()).start();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let embedder = chat.clone();
        let client = tokio::task::spawn_blocking(move || {
            let mut wire = Wire::connect(address);
            let (id, _) = wire.begin_as("alice");
            embedder
                .host()
                .expel(serde_json::from_value(json!(id)).unwrap(), None);
            goodbye(&mut wire)
        });
        let (done, shutdown) = tokio::sync::oneshot::channel::<()>();
        let serving = chat_adapters::tcp::serve(listener, chat.clone(), async {
            // Either way it is over.
            let _ = shutdown.await;
        });
        let client = async {
            let code = client.await.unwrap();
            let _ = done.send(());
            code
        };
        let (served, code) = tokio::join!(serving, client);
        served.unwrap();
        chat.shutdown().await;
        code
    })
}

#[test]
fn every_goodbye_code_is_reached() {
    let reached = [
        replaced(),
        too_large(),
        always_wrong(),
        never_logged_in(),
        idle(),
        crowded(),
        drained(),
        expelled(),
    ];
    let all: Vec<_> = GoodbyeCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(reached.as_slice(), all.as_slice());
}
