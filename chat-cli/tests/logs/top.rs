//! `chat top`, on a terminal and without one.

use std::io::Write;

use chat_core::ports::LogRecord;
use chat_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::setting::{Setting, line, record};
use crate::terminal::Terminal;

fn now() -> u64 {
    SystemClock.now().as_millis()
}

/// A status of this node, so long ago, with so many sends since its start.
fn status(node: &str, number: u64, ago: u64, sends: u64) -> LogRecord {
    let mut status = record(node, number, now() - ago, "status");
    let fields = json!({
        "uptime_ms": 1_000_000 - ago, "state": "ready", "connections": 9, "sessions": 7, "users": 6,
        "sends_total": sends, "deliveries_total": 2 * sends, "requests_total": 3 * sends, "errors_total": 0,
        "writer_waiting": 1, "acks_waiting": 0, "notices_waiting": 0, "presence_waiting": 0, "passwords_waiting": 0,
        "log_waiting": 4, "send_p50_ms": 1.25, "send_p99_ms": 3.5, "store_p99_ms": 2.75, "store_away": false,
        "memory_bytes": 50 << 20, "cpu_cores": 0.35,
    });
    status.fields = fields.as_object().unwrap().clone();
    status
}

/// Two nodes with rates, the second without its bus, and a third that fell silent.
fn three_nodes(setting: &Setting) {
    for (node, sends) in [("n1", 500), ("n2", 50)] {
        let first = status(node, 1, 5_000, 1_000);
        let mut second = status(node, 2, 0, 1_000 + sends);
        second.at = first.at.after(std::time::Duration::from_secs(5));
        if node == "n2" {
            second.fields.insert("bus_away".to_owned(), true.into());
        }
        setting.append(&format!("{node}.jsonl"), &(line(&first) + &line(&second)));
    }
    setting.append("n3.jsonl", &line(&status("n3", 1, 60_000, 9)));
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test]
async fn without_a_terminal_the_table_is_printed_once() {
    let setting = Setting::new();
    three_nodes(&setting);
    for arguments in [&["top", "."][..], &["top", "--once", "."]] {
        let (printed, errors) = setting.run(arguments).await;
        let lines: Vec<Vec<&str>> = printed.lines().map(words).collect();
        let expected = "NODE STATE SESS USERS SEND/S DELIV/S REQ/S ERR/S P50 P99 STORE99 QUEUE MEM CPU AWAY";
        assert_eq!(lines[0], words(expected));
        let expected = "n1 ready 7 6 100.0 200.0 300.0 0.0 1.25 3.50 2.75 5 50M 0.35 -";
        assert_eq!(lines[1], words(expected));
        let expected = "n2 ready 7 6 10.0 20.0 30.0 0.0 1.25 3.50 2.75 5 50M 0.35 bus";
        assert_eq!(lines[2], words(expected));
        assert_eq!((lines[3][0], lines[3][1], lines[3][5]), ("n3", "silent", "-"));
        assert_eq!(lines[4], words("total 14 12 110.0 220.0 330.0 0.0 10 100M 0.70"));
        assert_eq!((lines.len(), errors.as_str()), (5, ""));
        assert!(!printed.contains('\x1b'));
    }
}

#[tokio::test]
async fn scripts_get_an_object_for_each_node() {
    let setting = Setting::new();
    three_nodes(&setting);
    let (printed, _) = setting.run(&["top", "--once", "--json", "."]).await;
    let nodes: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = json!({
        "node": "n2", "state": "ready", "sessions": 7, "users": 6, "sends_per_second": 10, "deliveries_per_second": 20,
        "requests_per_second": 30, "errors_per_second": 0, "send_p50_ms": 1.25, "send_p99_ms": 3.5, "store_p99_ms": 2.75,
        "waiting": 5, "memory_bytes": 50 << 20, "cpu_cores": 0.35, "away": ["bus"],
    });
    assert_eq!(nodes[1], expected);
    assert_eq!(nodes[2]["state"], "silent");
    assert!(nodes[2]["silent_ms"].as_u64().unwrap() >= 60_000);
    assert_eq!(nodes[2].get("sends_per_second"), None);
}

#[test]
fn on_a_terminal_the_table_is_redrawn_in_place_and_leaves_it_as_it_was() {
    let setting = Setting::new();
    three_nodes(&setting);
    let mut terminal = Terminal::open(24, 80);
    let before = terminal.modes();
    terminal.start(&setting, &["top", "."], &[]);
    let screen = terminal.wait_for("the rows", |screen| screen.contains("3 nodes, 2 ready, 1 silent"));
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(
        words(lines[1]),
        words("NODE STATE SESS SEND/S DELIV/S ERR/S P99 QUEUE MEM AWAY")
    );
    assert_eq!(words(lines[2]), words("n1 ready 7 100.0 200.0 0.0 3.50 5 50M -"));
    assert_eq!(words(lines[3])[..3], ["n2", "ready", "7"]);
    assert_eq!(words(lines[5])[..2], ["total", "14"]);
    assert!(lines[23].contains("[q]uit"), "{screen}");
    assert!(terminal.is_alternate() && terminal.hides_cursor());
    assert_ne!(
        terminal.modes(),
        before,
        "keys come one by one, and are not shown"
    );

    let clock = lines[0][9..17].to_owned();
    terminal.wait_for("another second", |screen| !screen.contains(&clock));
    let mut news = status("n1", 3, 0, 2_000);
    news.fields.insert("sessions".to_owned(), 8_765.into());
    setting.append("n1.jsonl", &line(&news));
    let screen = terminal.wait_for("the next status", |screen| screen.contains("8765"));
    assert_eq!(
        screen.matches("AWAY").count(),
        1,
        "drawn over the old one: {screen}"
    );

    terminal.press("s");
    let sorted = |screen: &str, first: &str| screen.lines().nth(2).unwrap().starts_with(first);
    terminal.wait_for("sorted by sessions", |screen| {
        screen.contains("by SESS down") && sorted(screen, "n1")
    });
    terminal.press("s");
    terminal.wait_for("the other way", |screen| {
        screen.contains("by SESS up") && !sorted(screen, "n1")
    });

    terminal.resize(30, 140);
    let screen = terminal.wait_for("the wider table", |screen| screen.contains("STORE99"));
    assert!(screen.lines().nth(29).unwrap().contains("[q]uit"), "{screen}");

    terminal.press("q");
    assert!(terminal.ends_well());
    assert!(!terminal.is_alternate() && !terminal.hides_cursor());
    assert_eq!(terminal.modes(), before);
}

#[test]
fn control_c_escape_and_sigterm_give_the_terminal_back() {
    let setting = Setting::new();
    three_nodes(&setting);
    for end in ["\x03", "\x1b", "SIGTERM"] {
        let mut terminal = Terminal::open(24, 80);
        let before = terminal.modes();
        terminal.start(&setting, &["top", "."], &[]);
        terminal.wait_for("the rows", |screen| screen.contains("2 ready"));
        if end == "SIGTERM" {
            terminal.terminate();
        } else {
            terminal.press(end);
        }
        assert!(terminal.ends_well(), "{end:?}");
        assert!(!terminal.is_alternate() && !terminal.hides_cursor(), "{end:?}");
        assert_eq!(terminal.modes(), before, "{end:?}");
    }
}

#[test]
fn an_error_gives_the_terminal_back_and_is_told() {
    let setting = Setting::new();
    std::fs::create_dir(setting.path("logs")).unwrap();
    let mut terminal = Terminal::open(24, 80);
    let before = terminal.modes();
    terminal.start(&setting, &["top", "logs"], &[]);
    terminal.wait_for("the table", |screen| screen.contains("0 nodes"));
    // A folder of logs that is none any more cannot be looked into for new ones.
    std::fs::remove_dir(setting.path("logs")).unwrap();
    let mut file = std::fs::File::create(setting.path("logs")).unwrap();
    file.write_all(b"no folder").unwrap();
    assert!(!terminal.ends_well());
    assert!(!terminal.is_alternate() && !terminal.hides_cursor());
    assert!(
        terminal.screen().contains("chat: cannot read logs"),
        "{}",
        terminal.screen()
    );
    assert_eq!(terminal.modes(), before);
}

#[test]
fn colours_are_there_and_no_color_takes_them_away() {
    let setting = Setting::new();
    three_nodes(&setting);
    for (environment, expected) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let mut terminal = Terminal::open(24, 80);
        terminal.start(&setting, &["top", "."], environment);
        terminal.wait_for("the rows", |screen| screen.contains("1 silent"));
        assert_eq!(terminal.has_colours(), expected, "{environment:?}");
        terminal.press("q");
        assert!(terminal.ends_well());
    }
}

#[test]
fn a_hostile_record_cannot_drive_the_terminal_of_the_table() {
    let setting = Setting::new();
    let mut hostile = status("n1", 1, 0, 9);
    let reason = "\x1b[5;5Hpwned\x1b]0;title\x07\u{9b}2J";
    hostile.fields.insert("not_ready".to_owned(), json!([reason]));
    hostile.fields.insert("state".to_owned(), reason.into());
    hostile.fields.insert("sessions".to_owned(), reason.into());
    setting.append("n1.jsonl", &line(&hostile));
    let mut terminal = Terminal::open(24, 140);
    terminal.start(&setting, &["top", "."], &[]);
    let screen = terminal.wait_for("the row", |screen| screen.contains("\\u{1b}[5;5Hpwned"));
    assert_eq!(screen.matches("pwned").count(), 1);
    assert!(
        !screen.lines().nth(4).unwrap_or_default().contains("pwned"),
        "{screen}"
    );
    terminal.press("q");
    assert!(terminal.ends_well());
}
