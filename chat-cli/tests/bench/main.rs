//! `chat bench` against servers that do wrong, which it must notice, and against the chat itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

mod chat;
mod relay;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use relay::{Relay, Spoil};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// Runs the binary to its end.
async fn bench(server: &str, folder: &Path, arguments: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_chat"))
        .arg("bench")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("CHAT_SERVER", server)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), run).await;
    output.expect("it ends").unwrap()
}

/// Runs it with `--json`, and gives the result with the exit code.
async fn measured(server: &str, arguments: &[&str]) -> (Value, i32) {
    let folder = TempDir::new().unwrap();
    let arguments: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
    let output = bench(server, folder.path(), &arguments).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let result = serde_json::from_str(&printed);
    let result = result.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}{errors}"));
    (result, output.status.code().unwrap())
}

const PAIRS: [&str; 8] = [
    "direct",
    "--connections",
    "4",
    "--window",
    "4",
    "--warm-up",
    "0s",
    "--duration=200ms",
];
/// Of a load that waits in vain, and therefore for so long.
const IN_VAIN: &str = "--patience=4s";

fn violations(result: &Value) -> Vec<(&str, u64)> {
    let violations = result["violations"].as_object().unwrap();
    let counts = violations
        .iter()
        .map(|(name, count)| (name.as_str(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_server_is_measured() {
    let relay = Relay::start(Spoil::Nothing);
    let (result, code) = measured(&relay.address, &PAIRS).await;
    assert_eq!((violations(&result), code), (vec![], 0));
    let count = |what: &str| result["counts"][what].as_u64().unwrap();
    assert!(count("sent") > 0);
    assert_eq!(
        (count("answered"), count("delivered")),
        (count("sent"), count("sent"))
    );
    assert!(result["rates"]["delivered_per_second"].as_f64().unwrap() > 0.0);
    for what in ["send_to_sent", "send_to_message"] {
        let latency = &result["latency"][what];
        let quantiles = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"];
        let quantiles = quantiles.map(|quantile| latency[quantile].as_u64().unwrap());
        assert!(quantiles.is_sorted(), "{latency}");
        assert!(latency["histogram"].as_str().unwrap().starts_with("HISTFAAA"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_a_table_and_no_progress_where_there_is_no_terminal() {
    let relay = Relay::start(Spoil::Nothing);
    let folder = TempDir::new().unwrap();
    let output = bench(&relay.address, folder.path(), &PAIRS).await;
    assert_eq!(output.stderr, b"");
    let table = String::from_utf8(output.stdout).unwrap();
    for part in [
        "direct: 0.2 s",
        "delivered",
        "p99.9",
        "send → message",
        "Nothing was lost",
    ] {
        assert!(table.contains(part), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_wrong_is_counted_and_gives_an_exit_code_of_its_own() {
    for (spoil, expected) in [
        (Spoil::Lose(7), ("lost", 1)),
        (Spoil::Repeat(7), ("repeated", 1)),
        (Spoil::Delay(7), ("out_of_order", 1)),
        (Spoil::Misdirect(7), ("misdirected", 1)),
        (Spoil::CallDuplicate(7), ("repeated", 1)),
    ] {
        let relay = Relay::start(spoil);
        let patience = if expected.0 == "lost" { &[IN_VAIN][..] } else { &[] };
        let arguments = [&PAIRS[..], patience].concat();
        let (result, code) = measured(&relay.address, &arguments).await;
        assert_eq!((violations(&result), code), (vec![expected], 5), "{spoil:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_and_receiver_are_compared() {
    let relay = Relay::start(Spoil::Misnumber(7));
    let (result, code) = measured(&relay.address, &PAIRS).await;
    assert_eq!(result["violations"]["misnumbered"], 1);
    assert_eq!(code, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_no_loss_and_no_success() {
    let relay = Relay::start(Spoil::Refuse(7));
    let (result, code) = measured(&relay.address, &PAIRS).await;
    assert_eq!((violations(&result), code), (vec![], 3));
    assert_eq!(result["counts"]["refused"], 1);
    assert_eq!(result["first_refusal"]["code"], "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_without_an_answer_fails_the_run() {
    let relay = Relay::start(Spoil::Ignore(7));
    let (result, code) = measured(&relay.address, &[&PAIRS[..], &[IN_VAIN]].concat()).await;
    assert_eq!((violations(&result), code), (vec![], 1));
    assert_eq!(result["counts"]["unanswered"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_answers_nothing_can_be_measured() {
    let relay = Relay::start(Spoil::Unanswered);
    let arguments = [&PAIRS[..], &["--unanswered"]].concat();
    let (result, code) = measured(&relay.address, &arguments).await;
    assert_eq!((violations(&result), code), (vec![], 0));
    assert_eq!(result["counts"]["delivered"], result["counts"]["sent"]);
    assert_eq!(result["latency"]["send_to_sent"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_has_its_exit_code() {
    let folder = TempDir::new().unwrap();
    let relay = Relay::start(Spoil::HangUp(7));
    let lost = bench(&relay.address, folder.path(), &PAIRS).await;
    assert_eq!(lost.status.code(), Some(4));
    let address = relay.address.clone();
    drop(relay);
    let away = bench(&address, folder.path(), &PAIRS).await;
    assert_eq!(away.status.code(), Some(4));
}

/// The server reads nothing for three quarters of the time, and the kernel takes but a part of what is sent meanwhile:
/// only latencies that count from when a message was due see how long that is.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_counts_for_every_message_that_was_due() {
    let relay = Relay::start(Spoil::Stall(50, Duration::from_millis(1_500)));
    let arguments = [
        "direct",
        "--connections=2",
        "--rate=1000",
        "--size=8000",
        "--warm-up=0s",
        "--duration=2s",
    ];
    let (result, code) = measured(&relay.address, &arguments).await;
    assert_eq!((violations(&result), code), (vec![], 0));
    assert_eq!(result["counts"]["sent"], 2_000);
    for what in ["send_to_sent", "send_to_message"] {
        let latency = &result["latency"][what];
        assert_eq!(latency["count"], 2_000);
        // 1,000 messages were due more than half a second before the stall was over.
        assert!(latency["p50_us"].as_u64().unwrap() >= 450_000, "{latency}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept() {
    let relay = Relay::start(Spoil::Nothing);
    let arguments = [
        "direct",
        "--connections=6",
        "--rate=500",
        "--warm-up=500ms",
        "--duration=1s",
    ];
    let (result, code) = measured(&relay.address, &arguments).await;
    assert_eq!(code, 0);
    assert_eq!(result["counts"]["sent"], 750);
    assert_eq!(result["latency"]["send_to_message"]["count"], 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_acknowledge_where_they_should() {
    let relay = Relay::start(Spoil::Nothing);
    let arguments = [&PAIRS[..], &["--ack=client"]].concat();
    let (_, code) = measured(&relay.address, &arguments).await;
    assert_eq!(code, 0);
    let acknowledged = async {
        while !relay.is_acknowledged() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let acknowledged = tokio::time::timeout(Duration::from_secs(20), acknowledged).await;
    acknowledged.expect("everything is acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_uses_the_users_of_the_first() {
    let relay = Relay::start(Spoil::Nothing);
    for (seed, users) in [("7", 4), ("7", 4), ("8", 8)] {
        let arguments = [&PAIRS[..], &["--seed", seed]].concat();
        let (_, code) = measured(&relay.address, &arguments).await;
        assert_eq!((code, relay.users()), (0, users));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_tokens_stand_for_passwords() {
    let folder = TempDir::new().unwrap();
    let arguments = [&PAIRS[..], &["--tokens", "tokens.json"]].concat();
    let first = Relay::start(Spoil::Nothing);
    for passwords in [4, 4] {
        let run = bench(&first.address, folder.path(), &arguments).await;
        assert_eq!((run.status.code(), first.passwords()), (Some(0), passwords));
    }
    // Another server knows none of them.
    let other = Relay::start(Spoil::Nothing);
    let run = bench(&other.address, folder.path(), &arguments).await;
    assert_eq!((run.status.code(), other.passwords()), (Some(0), 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_merged() {
    let folder = TempDir::new().unwrap();
    let (right, wrong) = (Relay::start(Spoil::Nothing), Relay::start(Spoil::Lose(7)));
    let mut sent = 0;
    for (relay, file) in [(&right, "1.json"), (&right, "2.json"), (&wrong, "3.json")] {
        let patience = if file == "3.json" { &[IN_VAIN][..] } else { &[] };
        let arguments = [&PAIRS[..], patience, &["--json-file", file]].concat();
        bench(&relay.address, folder.path(), &arguments).await;
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        let result: Value = serde_json::from_str(&text).unwrap();
        sent += result["counts"]["sent"].as_u64().unwrap();
    }
    let merge = async |arguments: &[&str]| bench("nowhere", folder.path(), arguments).await;
    let good = merge(&["merge", "1.json", "2.json"]).await;
    assert_eq!(good.status.code(), Some(0));
    let bad = merge(&["merge", "1.json", "2.json", "3.json", "--json"]).await;
    assert_eq!(bad.status.code(), Some(5));
    let merged: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(merged["processes"], 3);
    assert_eq!(merged["counts"]["sent"], sent);
    assert_eq!(merged["latency"]["send_to_sent"]["count"], sent);
    assert_eq!(merged["violations"]["lost"], 1);
    std::fs::write(folder.path().join("4.json"), "{}").unwrap();
    let none = merge(&["merge", "1.json", "4.json"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8(none.stderr).unwrap().contains("4.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_resume_when_their_server_is_back() {
    let relay = Relay::start(Spoil::Nothing);
    let mut child = Command::new(env!("CARGO_BIN_EXE_chat"))
        .args([
            "bench",
            "reconnect",
            "--connections=20",
            "--users=20",
            "--await-restart",
        ])
        .args(["--json", "--wait-for-line"])
        .env_clear()
        .env("CHAT_SERVER", &relay.address)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().unwrap(), "ready");
    child.stdin.take().unwrap().write_all(b"\n").await.unwrap();
    relay.restart();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["counts"]["resumed"], 20);
    assert_eq!(result["latency"]["drop_to_synced"]["count"], 20);
}
