//! `with-services` gives its command the services and takes them away again, however the command ends.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::{Command, ExitCode};

use chat_test_services::{Ended, Process, Service, Signal, eventually, trial};
use libtest_mimic::{Arguments, Trial};

const VARIABLES: [&str; 5] = [
    "CHAT_TEST_MYSQL_URL",
    "CHAT_TEST_REDIS_URL",
    "CHAT_TEST_REDIS_CLUSTER_URL",
    "CHAT_TEST_KAFKA",
    "CHAT_TEST_ZOOKEEPER",
];

/// What the command says of itself: its address of each service, and the processes beside it.
const REPORT: &str = "\
    echo $CHAT_TEST_MYSQL_URL $CHAT_TEST_REDIS_URL $CHAT_TEST_REDIS_CLUSTER_URL $CHAT_TEST_KAFKA \
    $CHAT_TEST_ZOOKEEPER; \
    cat /proc/$PPID/task/*/children";

fn main() -> ExitCode {
    let trials = vec![
        test(
            "a_command_gets_services_and_its_exit_code_is_passed_on",
            exit_code,
        ),
        test(
            "a_command_that_a_signal_ends_gives_128_and_the_signal",
            ended_by_a_signal,
        ),
        test(
            "a_command_that_is_not_there_gives_127_and_leaves_nothing",
            not_there,
        ),
        test("an_interrupt_reaches_the_command_and_leaves_nothing", interrupted),
        test("services_end_with_a_killed_parent", killed),
        trial("variables_that_are_set_stay_and_nothing_is_started", &[], || {
            set_already();
            Ok(())
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn test(name: &str, run: fn()) -> Trial {
    let needs = &[
        Service::MySql,
        Service::Redis,
        Service::RedisCluster,
        Service::Kafka,
        Service::ZooKeeper,
    ];
    trial(name, needs, move || {
        run();
        Ok(())
    })
}

fn with_services(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_with-services"));
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Ended {
    Process::start(&with_services(arguments))
        .unwrap()
        .wait_all()
        .unwrap()
}

/// The process ids of a report.
fn ids(report: &str) -> Vec<&str> {
    report.lines().skip(1).flat_map(str::split_whitespace).collect()
}

fn runs(id: &str) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

fn exit_code() {
    let ended = run(&["--", "sh", "-c", &format!("{REPORT}; exit 7")]);
    assert_eq!(ended.code, Some(7), "{}", ended.stderr);
    let urls: Vec<_> = ended.stdout.lines().next().unwrap().split(' ').collect();
    assert!(urls[0].starts_with("mysql://root@127.0.0.1:"), "{urls:?}");
    assert!(urls[1].starts_with("redis://127.0.0.1:"), "{urls:?}");
    assert!(urls[2].starts_with("redis+cluster://127.0.0.1:"), "{urls:?}");
    assert!(urls[3].starts_with("127.0.0.1:"), "{urls:?}");
    assert!(urls[4].starts_with("127.0.0.1:"), "{urls:?}");
    all_ended(&ended.stdout);
}

/// MariaDB, Redis, the three nodes of the cluster, Kafka, ZooKeeper, and the command.
fn all_ended(report: &str) {
    let ids = ids(report);
    assert_eq!(ids.len(), 8, "{report}");
    assert!(!ids.iter().any(|id| runs(id)), "{report}");
}

fn ended_by_a_signal() {
    let ended = run(&["sh", "-c", &format!("{REPORT}; kill -KILL $$")]);
    assert_eq!(ended.code, Some(137), "{}", ended.stderr);
    all_ended(&ended.stdout);
}

fn not_there() {
    let ended = run(&["/there/is/no/such/command"]);
    assert_eq!(ended.code, Some(127), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("/there/is/no/such/command"),
        "{}",
        ended.stderr
    );
}

fn interrupted() {
    for (signal, word) in [(Signal::SIGINT, "INT"), (Signal::SIGTERM, "TERM")] {
        let script = format!(
            "trap 'echo got {word}; exit 9' {word}; {REPORT}; echo ready; while :; do read x || sleep 0.1; done"
        );
        let mut process = Process::start(&with_services(&["bash", "-c", &script])).unwrap();
        process.stdout().wait_for("ready").unwrap();
        process.signal(signal);
        let ended = process.wait_all().unwrap();
        assert_eq!(ended.code, Some(9), "{}", ended.stderr);
        assert!(ended.stdout.contains(&format!("got {word}")), "{}", ended.stdout);
        let report = ended.stdout.split("ready").next().unwrap();
        all_ended(report);
    }
}

fn killed() {
    let script = format!("{REPORT}; echo ready; exec sleep 1");
    // What is killed can't remove its folders.
    let folder = tempfile::tempdir().unwrap();
    let mut command = with_services(&["sh", "-c", &script]);
    command.env("TMPDIR", folder.path());
    let mut process = Process::start(&command).unwrap();
    process.stdout().wait_for("ready").unwrap();
    let text = process.stdout().text();
    let report = text.split("ready").next().unwrap();
    process.signal(Signal::SIGKILL);
    eventually("the services end", || {
        // The command itself is nobody's to end, and ends by itself.
        (!ids(report).iter().any(|id| runs(id))).then_some(())
    })
    .unwrap();
}

fn set_already() {
    let mut command = with_services(&["sh", "-c", REPORT]);
    for variable in VARIABLES {
        command.env(variable, "elsewhere");
    }
    let ended = Process::start(&command).unwrap().wait_all().unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout.lines().next(),
        Some("elsewhere elsewhere elsewhere elsewhere elsewhere")
    );
    assert_eq!(ids(&ended.stdout).len(), 1, "{}", ended.stdout);
}
