//! The HTTP side door: each path, what it refuses, and how long it stays open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use chat_test_services::eventually;
use serde_json::json;
use support::http::{ask, get, read, send};
use support::{Server, run};

const OPEN: &[&str] = &["--store", "memory:", "--http", "127.0.0.1:0"];

#[test]
fn a_server_that_runs_is_alive_and_ready_and_says_where_it_answers() {
    let server = Server::start(OPEN);
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = get(server.http(), path);
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("connection"), Some("close"));
    }
    server.wait_for_log(&format!("address={}", server.http()));
}

#[test]
fn metrics_have_the_form_of_prometheus_and_tell_of_the_process() {
    let server = Server::start(OPEN);
    let mut client = server.connect();
    client.begin_as("alice");
    let message = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "to myself"});
    assert_eq!(client.request(&message)["type"], "sent");

    let answer = get(server.http(), "/metrics");
    assert_eq!(answer.status, 200);
    let expected = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(expected));
    let value = |name: &str| -> f64 {
        let lines = answer.body.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = values
            .next()
            .unwrap_or_else(|| panic!("no {name}:\n{}", answer.body));
        value.parse().unwrap()
    };
    assert!((value("chat_messages_stored_total") - 1.0).abs() < f64::EPSILON);
    // A transaction in memory takes no second, and more than nothing is in a bucket that is not the last.
    assert!((value("chat_store_call_seconds_bucket{call=\"append\",le=\"1\"}") - 1.0).abs() < f64::EPSILON);
    assert!((value("chat_writer_batch_messages_bucket{le=\"1\"}") - 1.0).abs() < f64::EPSILON);
    let build = format!("chat_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert!((value(&build) - 1.0).abs() < f64::EPSILON);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_cpu_seconds_total") > 0.0);
    assert!(value("process_open_fds") >= 5.0 && value("process_max_fds") > value("process_open_fds"));
    assert!(value("process_threads") >= 2.0);
    let year = 365.0 * 86_400.0;
    assert!(value("process_start_time_seconds") > 50.0 * year);
    for line in answer
        .body
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let typed = ["", "_bucket", "_sum", "_count"].iter().any(|end| {
            let family = name.strip_suffix(end).unwrap_or(name);
            answer.body.contains(&format!("# TYPE {family} "))
        });
        assert!(typed, "{line}");
    }
}

#[test]
fn head_gets_the_head_alone() {
    let server = Server::start(OPEN);
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = ask(server.http(), "HEAD", path);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(length > 0, "{path}");
    }
}

#[test]
fn other_methods_and_paths_are_refused_as_text() {
    let server = Server::start(OPEN);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer = ask(server.http(), method, path);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.body, "only GET and HEAD are answered\n");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method} {path}");
        }
    }
    for path in ["/metric", "/metrics/", "/healthz/x", "/%2e%2e/etc/passwd"] {
        let answer = get(server.http(), path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(answer.body.starts_with("not found"), "{}", answer.body);
    }
}

#[test]
fn what_is_no_request_is_refused_and_disturbs_nobody() {
    let server = Server::start(OPEN);
    let host = server.http();
    let long = format!(
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Long: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    let many = format!(
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\n{}\r\n",
        "X-Many: 1\r\n".repeat(1_000)
    );
    for (request, expected) in [
        ("\r\n\r\nrubbish\r\n\r\n", 400),
        ("GET /healthz\r\n\r\n", 400),
        (long.as_str(), 431),
        (many.as_str(), 431),
    ] {
        // Refused before it was read to its end, so that the system may throw the answer away.
        if let Ok(answer) = send(host, request.as_bytes()) {
            let status = read(&answer).map(|answer| answer.status);
            assert!(answer.is_empty() || status == Some(expected), "{answer}");
        }
    }
    assert_eq!(get(host, "/healthz").status, 200);
}

#[test]
fn a_body_is_not_waited_for() {
    let server = Server::start(OPEN);
    let request = format!(
        "POST /metrics HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000000\r\n\r\n",
        server.http()
    );
    let answer = read(&send(server.http(), request.as_bytes()).unwrap()).unwrap();
    assert_eq!(answer.status, 405);
}

#[test]
fn one_connection_answers_one_request() {
    let server = Server::start(OPEN);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.http());
    let answers = send(server.http(), request.repeat(3).as_bytes()).unwrap_or_default();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
}

#[test]
fn clients_that_say_nothing_are_cut_off_and_make_room() {
    let server = Server::start(OPEN);
    let mut silent: Vec<TcpStream> = (0..600)
        .map(|_| TcpStream::connect(server.http()).unwrap())
        .collect();
    // It waits for some of them to be cut off, whose places others take first.
    assert_eq!(get(server.http(), "/healthz").status, 200);
    let first = silent.first_mut().unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\n").ok();
    let mut rest = Vec::new();
    first.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // An end or a reset, and no time-out.
    if let Err(error) = first.read_to_end(&mut rest) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_flag_and_the_store_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let ended = run(
        &["--listen", "127.0.0.1:0", "--http", &address, "--store", &store],
        &[],
    );
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(3), ""),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&address) && ended.stderr.contains("--http none"),
        "{}",
        ended.stderr
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn switched_off_there_is_no_door() {
    let mut server = Server::start(&["--store", "memory:", "--http", "none"]);
    assert!(!server.ready_line().contains("http"), "{}", server.ready_line());
    let ended = server.terminate();
    assert!(!ended.stderr.contains("HTTP"), "{}", ended.stderr);
}

#[test]
fn a_server_that_drains_says_so_at_once_and_answers_until_it_ends() {
    let mut server = Server::start(&[OPEN, &["--drain", "1h"]].concat());
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.request(&json!({"type": "ping", "ref": 1}));
    }
    server.signal_to_end();
    eventually("the server is not ready any more", || {
        let answer = get(server.http(), "/readyz");
        (answer.status == 503 && answer.body == "draining\n").then_some(())
    })
    .unwrap();
    assert_eq!(get(server.http(), "/healthz").status, 200);
    assert!(get(server.http(), "/metrics").body.contains("process_open_fds"));

    server.signal_to_end();
    assert_eq!(server.wait().code, Some(1));
    assert!(TcpStream::connect(server.http()).is_err());
}
