//! No password, no token, no text of a message and no name reaches any place where a server says what it does:
//! its log in both forms, the event log in a file, on standard error and in Kafka, metrics, and spans.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod collector;
mod scene;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use chat_test_services::{Kafka, Service, trial};
use libtest_mimic::{Arguments, Failed, Trial};
use support::Server;
use support::http::get;
use tempfile::TempDir;

use collector::Collector;
use scene::Marks;

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("no_mark_is_in_any_sink_with_text_lines", || {
            check("text", None);
            Ok(())
        }),
        Trial::test("no_mark_is_in_any_sink_with_json_lines", || {
            check("json", None);
            Ok(())
        }),
        Trial::test("no_mark_is_in_any_sink_of_a_node_and_of_its_backend", || {
            check_with_backend();
            Ok(())
        }),
        trial("no_mark_is_in_kafka_either", &[Service::Kafka], with_kafka),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn with_kafka() -> Result<(), Failed> {
    let kafka = Kafka::start()?;
    check("text", Some(&kafka));
    Ok(())
}

/// Where a server says something, and what it said there.
type Said = (&'static str, String);

fn check(log_format: &str, kafka: Option<&Kafka>) {
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    let topic = kafka.map(|kafka| format!("kafka://{}/secrets", kafka.bootstrap()));
    let store = sqlite_in(&directory);
    let served = ["--store", &store];
    let mut server = server(
        &directory,
        "log",
        log_format,
        &collector,
        topic.as_deref(),
        &served,
    );
    let marks = Marks::left_in(&server);
    let mut said = said_by(&mut server, &directory, "log");
    said.push(("the collector", collector.received()));
    if let Some(topic) = &topic {
        said.push(("Kafka", in_kafka(topic)));
    }
    assert_something_was_said(&said);
    assert_unmarked(&said, &marks);
}

/// Everything that is secret passes through the backend as well.
fn check_with_backend() {
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    let store = sqlite_in(&directory);
    let serve = ["backend", "--store", &store];
    let mut backend = server(&directory, "backend", "text", &collector, None, &serve);
    let remote = format!("grpc://{}", backend.address());
    let served = ["--store", &remote];
    let mut node = server(&directory, "log", "text", &collector, None, &served);
    let marks = Marks::left_in(&node);
    let mut said = said_by(&mut node, &directory, "log");
    said.push(("the collector", collector.received()));
    assert_something_was_said(&said);
    let of_backend = said_by(&mut backend, &directory, "backend");
    for (place, part) in [
        ("standard error", "node_ready"),
        ("standard output", "ready"),
        ("the file", "node_started"),
        ("the metrics", "chat_rpc_served_total{call=\"append\""),
    ] {
        let (_, text) = of_backend.iter().find(|(name, _)| *name == place).unwrap();
        assert!(
            text.contains(part),
            "{place} of the backend does not say {part}: {text}"
        );
    }
    assert_unmarked(&said, &marks);
    assert_unmarked(&of_backend, &marks);
}

fn sqlite_in(directory: &TempDir) -> String {
    format!("sqlite:{}/chat.db", directory.path().display())
}

/// Ends a server. What it said, but for what it told others.
fn said_by(server: &mut Server, directory: &TempDir, log: &str) -> Vec<Said> {
    let metrics = get(server.http(), "/metrics").body;
    let ended = server.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    vec![
        ("standard error", ended.stderr),
        ("standard output", ended.stdout),
        (
            "the file",
            std::fs::read_to_string(directory.path().join(log)).unwrap(),
        ),
        ("the metrics", metrics),
    ]
}

fn assert_unmarked(said: &[Said], marks: &Marks) {
    for (place, said) in said {
        for (what, mark) in marks.all() {
            let found = said.lines().find(|line| line.contains(mark.as_str()));
            assert_eq!(found, None, "{what} {mark} is in {place}");
        }
    }
}

fn server(
    directory: &TempDir,
    log: &str,
    log_format: &str,
    collector: &Collector,
    topic: Option<&str>,
    served: &[&str],
) -> Server {
    let path = directory.path().display();
    let mut event_log = format!("stderr:,file:{path}/{log}");
    if let Some(topic) = topic {
        event_log = format!("{event_log},{topic}");
    }
    let collector = format!("http://{}", collector.address());
    let said = [
        "--log-level",
        "trace",
        "--log-format",
        log_format,
        "--event-log",
        &event_log,
        "--http",
        "127.0.0.1:0",
        "--otlp",
        &collector,
        "--otlp-level",
        "trace",
        "--limits-max-frame",
        "4096",
        "--limits-failed-logins-burst",
        "3",
    ];
    Server::start(&[served, &said].concat())
}

/// A place that stays silent holds no secret and proves nothing.
fn assert_something_was_said(said: &[Said]) {
    for (place, part) in [
        ("standard error", "login_failed"),
        ("standard output", "ready"),
        ("the file", "session_opened"),
        ("the metrics", "chat_errors_total{code=\"invalid_credentials\"}"),
        ("the collector", "service.name"),
        ("the collector", "append"),
        ("Kafka", "user_registered"),
    ] {
        if let Some((_, said)) = said.iter().find(|(name, _)| *name == place) {
            assert!(said.contains(part), "{place} does not say {part}: {said}");
        }
    }
}

/// Everything in a topic, as text.
fn in_kafka(topic: &str) -> String {
    use chat_adapters::kafka::{Follow, KafkaLogReader, KafkaOptions};
    use futures_util::StreamExt as _;

    let reader = KafkaLogReader::open(KafkaOptions::parse(topic).unwrap()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let records = reader.read(None, Follow::No).unwrap();
        let lines = records.map(|record| serde_json::to_string(&record.unwrap()).unwrap());
        lines.collect::<Vec<_>>().await.join("\n")
    })
}
