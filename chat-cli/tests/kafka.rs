//! `chat logs` and `chat top` on a real Kafka, into which two nodes write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

#[path = "logs/setting.rs"]
#[expect(dead_code, reason = "files are for the other tests")]
mod setting;

use std::process::ExitCode;
use std::time::Duration;

use chat_adapters::kafka::{KafkaLog, KafkaOptions};
use chat_core::ports::{EventLog, Level, LogRecord};
use chat_core::{Clock, SystemClock};
use chat_test_services::{Kafka, Service, async_trial};
use libtest_mimic::{Arguments, Trial};
use setting::{DEADLINE, Setting, key, keys, line, record, two_nodes, with};

fn main() -> ExitCode {
    let trials = vec![
        trial(
            "what_two_nodes_wrote_is_shown_in_the_order_of_time_and_every_filter_works",
            what_two_nodes_wrote_is_shown_in_the_order_of_time_and_every_filter_works,
        ),
        trial(
            "more_than_memory_holds_back_comes_out_in_the_order_of_time",
            more_than_memory_holds_back_comes_out_in_the_order_of_time,
        ),
        trial("following_shows_what_comes", following_shows_what_comes),
        trial("top_shows_the_nodes", top_shows_the_nodes),
        trial(
            "a_topic_that_is_not_there_is_told",
            a_topic_that_is_not_there_is_told,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial<F>(name: &'static str, test: fn(Topic) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    async_trial(name, &[Service::Kafka], move || test(Topic::new(name)))
}

/// A topic of the Kafka that is there for all tests, or of one of its own.
struct Topic {
    url: String,
    _own: Option<Kafka>,
}

impl Topic {
    fn new(name: &str) -> Self {
        let shared = std::env::var("CHAT_TEST_KAFKA").unwrap_or_default();
        let own = shared.is_empty().then(|| Kafka::start().unwrap());
        let bootstrap = own.as_ref().map_or(shared, Kafka::bootstrap);
        Self {
            url: format!("kafka://{bootstrap}/{name}-{}", std::process::id()),
            _own: own,
        }
    }

    fn log(&self) -> KafkaLog {
        KafkaLog::open(KafkaOptions::parse(&self.url).unwrap()).unwrap()
    }
}

async fn write(log: &KafkaLog, records: impl IntoIterator<Item = LogRecord>) {
    for record in records {
        log.append(record);
    }
    log.flush(DEADLINE).await.unwrap();
}

fn now() -> u64 {
    SystemClock.now().as_millis()
}

/// Writes each node's records by a log of its own, the second node's first.
async fn write_apart(topic: &Topic, records: &[LogRecord]) {
    for node in ["n2", "n1"] {
        let own = records.iter().filter(|record| record.node.as_str() == node);
        write(&topic.log(), own.cloned()).await;
    }
}

async fn what_two_nodes_wrote_is_shown_in_the_order_of_time_and_every_filter_works(topic: Topic) {
    let setting = Setting::new();
    let start = now() - 20_000;
    let records = two_nodes(start, 40);
    write_apart(&topic, &records).await;
    let moment = |millis: u64| {
        let millis = i64::try_from(millis).unwrap();
        jiff::Timestamp::from_millisecond(millis).unwrap().to_string()
    };
    let (since, until) = (moment(start + 5_000), moment(start + 15_000));
    type Takes = fn(&LogRecord, u64) -> bool;
    let cases: [(&[&str], Takes); 7] = [
        (&[], |_, _| true),
        (&["--node", "n2"], |record, _| record.node.as_str() == "n2"),
        (&["--level", "warn"], |record, _| record.level >= Level::Warn),
        (&["--event", "session_*"], |record, _| {
            record.event.starts_with("session_")
        }),
        (&["--since", &since], |record, start| {
            record.at.as_millis() >= start + 5_000
        }),
        (&["--until", &until], |record, start| {
            record.at.as_millis() <= start + 15_000
        }),
        (
            &[
                "--since", &since, "--until", &until, "--node", "n1", "--level", "error", "--event", "def*",
            ],
            |record, start| {
                (start + 5_000..=start + 15_000).contains(&record.at.as_millis())
                    && record.node.as_str() == "n1"
                    && record.event == "defect"
            },
        ),
    ];
    for (filter, takes) in cases {
        let expected: String = records
            .iter()
            .filter(|record| takes(record, start))
            .map(line)
            .collect();
        assert!(!expected.is_empty(), "{filter:?}");
        let (printed, errors) = setting
            .run(&[&["logs", "--json", &topic.url], filter].concat())
            .await;
        assert_eq!(printed, expected, "{filter:?}");
        assert_eq!(errors, "");
    }
    let (printed, _) = setting.run(&["logs", "--json", "-n", "3", &topic.url]).await;
    let last: String = records[37..].iter().map(line).collect();
    assert_eq!(printed, last);
}

async fn more_than_memory_holds_back_comes_out_in_the_order_of_time(topic: Topic) {
    let setting = Setting::new();
    let start = now() - 3_600_000;
    let nodes = ["n1", "n2", "n3", "n4"];
    let records: Vec<LogRecord> = (0..40_000_u64)
        .map(|step| {
            record(
                nodes[step as usize % 4],
                step / 4 + 1,
                start + step * 50,
                "status",
            )
        })
        .collect();
    // Nodes write at the same time, so that each partition is in the order of time; one log stands for all of them.
    let log = topic.log();
    for some in records.chunks(4_000) {
        write(&log, some.to_vec()).await;
    }
    let (printed, _) = setting.run(&["logs", "--json", &topic.url]).await;
    let expected: String = records.iter().map(line).collect();
    assert!(
        printed == expected,
        "{} of {} lines",
        printed.lines().count(),
        records.len()
    );
}

async fn following_shows_what_comes(topic: Topic) {
    let setting = Setting::new();
    let mut following = setting.follow(&["logs", "--json", "-f", &topic.url]);
    let (one, two) = (topic.log(), topic.log());
    write(&one, [record("n1", 1, now(), "status")]).await;
    assert_eq!(key(&following.line().await), ("n1".to_owned(), 1));
    write(&two, [record("n2", 1, now(), "status")]).await;
    assert_eq!(key(&following.line().await), ("n2".to_owned(), 1));
    drop(following);

    let mut following = setting.follow(&["logs", "--json", "-f", "--window", "2s", &topic.url]);
    let seen = [following.line().await, following.line().await].concat();
    assert!(!seen.is_empty());
    let start = now();
    write(&one, [record("n1", 2, start + 40, "status")]).await;
    write(&two, [record("n2", 2, start + 20, "status")]).await;
    let mut next = following.line().await + "\n";
    next += &following.line().await;
    let expected = [("n2".to_owned(), 2), ("n1".to_owned(), 2)];
    assert_eq!(keys(&next), expected, "within the window, by their times");
    following.interrupt();
    assert!(following.ends().await);
}

async fn top_shows_the_nodes(topic: Topic) {
    let setting = Setting::new();
    let start = now() - 5_000;
    for node in ["n1", "n2"] {
        let statuses = [(1, start, 0), (2, start + 5_000, 500)].map(|(number, at, sends)| {
            let status = with(record(node, number, at, "status"), "sends_total", sends);
            with(with(status, "state", "ready"), "sessions", 3)
        });
        write(&topic.log(), statuses).await;
    }
    let (printed, _) = setting.run(&["top", "--once", &topic.url]).await;
    let lines: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for (line, node) in lines[1..3].iter().zip(["n1", "n2"]) {
        assert_eq!(line[..5], [node, "ready", "3", "-", "100.0"]);
    }
}

async fn a_topic_that_is_not_there_is_told(topic: Topic) {
    let setting = Setting::new();
    let output = tokio::time::timeout(
        Duration::from_secs(60),
        setting.command(&["logs", &topic.url]).output(),
    );
    let output = output.await.unwrap().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("has no topic"), "{errors}");
}
