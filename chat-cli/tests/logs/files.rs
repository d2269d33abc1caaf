//! Files that nodes have written.

use std::io::Write;
use std::process::Stdio;

use chat_core::ports::{Level, LogRecord};
use serde_json::json;

use crate::setting::{DEADLINE, Setting, at_level, keys, line, record, two_nodes, with};

/// 2025-11-25 16:00:00 UTC.
const START: u64 = 1_764_086_400_000;

/// What two nodes wrote, in files that were rotated twice.
fn written_by_two_nodes(setting: &Setting) -> Vec<LogRecord> {
    let records = two_nodes(START, 60);
    for (step, record) in records.iter().enumerate() {
        let suffix = [".2", ".1", ""][step / 20];
        setting.append(&format!("{}.jsonl{suffix}", record.node), &line(record));
    }
    records
}

fn json_of(records: &[LogRecord], takes: impl Fn(&LogRecord) -> bool) -> String {
    records.iter().filter(|record| takes(record)).map(line).collect()
}

#[tokio::test]
async fn files_of_two_nodes_come_out_in_the_order_of_time_and_byte_for_byte() {
    let setting = Setting::new();
    let records = written_by_two_nodes(&setting);
    for sources in [
        &["."][..],
        &["n1.jsonl", "n2.jsonl"],
        &["n2.jsonl", "n2.jsonl.1", "n2.jsonl.2", "n1.jsonl"],
    ] {
        let arguments = [&["logs", "--json"], sources].concat();
        let (printed, errors) = setting.run(&arguments).await;
        assert_eq!(printed, json_of(&records, |_| true), "{sources:?}");
        assert_eq!(errors, "");
    }
}

#[tokio::test]
async fn every_filter_works_alone_and_with_the_others() {
    let setting = Setting::new();
    let records = written_by_two_nodes(&setting);
    let (from, to) = ("2025-11-25T16:00:05Z", "2025-11-25T17:00:20+01:00");
    let is_since = |record: &LogRecord| record.at.as_millis() >= START + 5_000;
    let is_until = |record: &LogRecord| record.at.as_millis() <= START + 20_000;
    let is_session = |record: &LogRecord| record.event.starts_with("session_");
    type Takes<'a> = &'a dyn Fn(&LogRecord) -> bool;
    let cases: [(&[&str], Takes<'_>); 8] = [
        (&["--node", "n2"], &|record| record.node.as_str() == "n2"),
        (&["--node", "n2", "--node", "n1"], &|_| true),
        (&["--level", "warn"], &|record| record.level >= Level::Warn),
        (&["--event", "session_*"], &is_session),
        (&["--event", "session_*", "--event", "status"], &|record| {
            is_session(record) || record.event == "status"
        }),
        (&["--since", from], &is_since),
        (&["--until", to], &is_until),
        (
            &[
                "--since", from, "--until", to, "--node", "n1", "--level", "warn", "--event", "*_lost",
            ],
            &|record| {
                is_since(record)
                    && is_until(record)
                    && record.node.as_str() == "n1"
                    && record.event == "store_lost"
            },
        ),
    ];
    for (filter, takes) in cases {
        let expected = json_of(&records, takes);
        assert!(!expected.is_empty(), "{filter:?}");
        let (printed, _) = setting.run(&[&["logs", "--json", "."], filter].concat()).await;
        assert_eq!(printed, expected, "{filter:?}");
        let (printed, _) = setting
            .run(&[&["logs", "--json", ".", "-n", "2"], filter].concat())
            .await;
        let last: Vec<&str> = expected.lines().rev().take(2).collect();
        assert!(printed.lines().rev().eq(last), "{filter:?} -n 2: {printed}");
    }
}

#[tokio::test]
async fn people_see_time_level_node_event_and_fields() {
    let setting = Setting::new();
    let opened = with(
        with(record("n1", 1, START + 123, "session_opened"), "session", 7),
        "user",
        3,
    );
    let lost = with(record("n1", 2, START + 60_000, "store_lost"), "error", "no route");
    setting.append(
        "chat-events.jsonl",
        &(line(&opened) + &line(&at_level(Level::Warn, lost))),
    );
    let (printed, _) = setting.run(&["logs"]).await;
    assert_eq!(
        printed,
        "2025-11-25 16:00:00.123 info  n1 session_opened session=7 user=3\n\
         2025-11-25 16:01:00.000 warn  n1 store_lost error=\"no route\"\n"
    );
    let (coloured, _) = setting.run(&["logs", "--color", "always", "-n", "1"]).await;
    assert_eq!(
        coloured,
        "\x1b[2m2025-11-25 16:01:00.000\x1b[0m \x1b[1;33mwarn \x1b[0m \x1b[36mn1\x1b[0m \x1b[1mstore_lost\x1b[0m \
         \x1b[2merror=\x1b[0m\"no route\"\n"
    );
    let (plain, _) = setting.run(&["logs", "--color", "never"]).await;
    assert_eq!(plain, printed);
}

#[tokio::test]
async fn missing_records_are_pointed_out_to_people_whatever_is_filtered() {
    let setting = Setting::new();
    for number in [1, 2, 15, 16] {
        let record = record("n1", number, START + number, ["a", "b"][number as usize % 2]);
        setting.append("chat-events.jsonl", &line(&record));
    }
    let (printed, _) = setting.run(&["logs"]).await;
    assert_eq!(printed.lines().nth(2), Some("… 12 records of n1 are missing"));
    let (printed, _) = setting.run(&["logs", "--event", "a"]).await;
    let hole: Vec<bool> = printed.lines().map(|line| line.starts_with('…')).collect();
    assert_eq!(hole, [false, true, false], "2, the hole, 16");
    let (printed, _) = setting.run(&["logs", "--node", "n2"]).await;
    assert_eq!(printed, "");
    let (printed, _) = setting.run(&["logs", "--json"]).await;
    assert_eq!(keys(&printed).len(), 4);
}

#[tokio::test]
async fn lines_that_are_no_records_are_counted_once_at_the_end() {
    let setting = Setting::new();
    let record = line(&record("n1", 1, START, "status"));
    setting.append(
        "chat-events.jsonl",
        &format!("chat-server ready\n{record}\n{{}}\n{}", &record[..20]),
    );
    let (printed, errors) = setting.run(&["logs", "--json"]).await;
    assert_eq!(printed, record, "the half line is still being written");
    assert_eq!(errors, "chat: 2 lines were no records\n");
}

#[tokio::test]
async fn a_hostile_record_cannot_drive_the_terminal() {
    let setting = Setting::new();
    let hostile = "\x1b[2J\x1b]0;title\x07\r\n\u{9b}31m\u{202e}";
    let record = with(
        record("n1", 1, START, hostile),
        hostile,
        json!([hostile, {"x": hostile}]),
    );
    // A node's name has no such characters: with them the line is no record, and not shown at all.
    let bad_node = line(&record).replace("\"n1\"", "\"n\\u001b[2J\"");
    setting.append("chat-events.jsonl", &(line(&record) + &bad_node));
    for colour in ["never", "always"] {
        let (printed, errors) = setting.run(&["logs", "--color", colour]).await;
        let own = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[36m"];
        let rest = own
            .iter()
            .fold(printed.clone(), |rest, code| rest.replace(code, ""));
        let is_obeyed = |it: char| it != '\n' && it.is_control() || it == '\u{202e}';
        assert!(!rest.chars().any(is_obeyed), "{rest:?}");
        assert_eq!(printed.lines().count(), 1);
        assert_eq!(errors, "chat: 1 line was no record\n");
    }
}

#[tokio::test]
async fn standard_input_is_a_source() {
    let setting = Setting::new();
    let records: String = (1..=3)
        .map(|number| line(&record("n1", number, START + number, "status")))
        .collect();
    let mut child = setting
        .command(&["logs", "--json", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = records.trim_end().to_owned();
    tokio::io::AsyncWriteExt::write_all(&mut input, text.as_bytes())
        .await
        .unwrap();
    drop(input);
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), records);
}

#[tokio::test]
async fn a_reader_that_goes_ends_it_quietly() {
    let setting = Setting::new();
    let mut file = std::fs::File::create(setting.path("chat-events.jsonl")).unwrap();
    for number in 1..=20_000 {
        file.write_all(line(&record("n1", number, START + number, "status")).as_bytes())
            .unwrap();
    }
    let mut following = setting.follow(&["logs"]);
    following.line().await;
    let mut child = following.close();
    let status = tokio::time::timeout(DEADLINE, child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
    let mut errors = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut child.stderr.take().unwrap(), &mut errors)
        .await
        .unwrap();
    assert_eq!(errors, "");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_to_do() {
    let setting = Setting::new();
    for (arguments, code, expected) in [
        (&["logs"][..], 2, "there is no chat-events.jsonl"),
        (&["logs", "--since", "soon"], 2, "how long ago"),
        (&["logs", "--node", "a b"], 2, "--node"),
    ] {
        let output = setting.command(arguments).output().await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    setting.append("other.jsonl", &line(&record("n1", 1, START, "status")));
    let mut command = setting.command(&["logs", "--json"]);
    command.env("CHAT_EVENT_LOG_SOURCE", "other.jsonl");
    assert!(command.output().await.unwrap().status.success());
}
