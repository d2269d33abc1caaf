//! A node of a cluster that starts while something is away.
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::process::ExitCode;

use chat_test_services::{Redis, Service, free_port, trial};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use support::{Server, run_on};

fn main() -> ExitCode {
    let trials = vec![
        trial(
            "without_redis_a_node_starts_and_works_and_finds_it_later",
            &[Service::Redis],
            without_redis_a_node_starts_and_works_and_finds_it_later,
        ),
        Trial::test(
            "without_mysql_the_server_says_so_and_ends",
            without_mysql_the_server_says_so_and_ends,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn without_redis_a_node_starts_and_works_and_finds_it_later() -> Result<(), Failed> {
    let mut redis = Redis::start()?;
    redis.kill()?;
    let directory = tempfile::tempdir()?;
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = Server::start(&["--store", &store, "--bus", &redis.url()]);
    server.wait_for_log("presence_lost");

    let (mut alice, mut bob) = (server.connect(), server.connect());
    alice.begin_as("alice");
    let (bob_id, _) = bob.begin_as("bob");
    let message = json!({"type": "send", "ref": 1, "to": {"user": bob_id}, "body": "hello"});
    assert_eq!(alice.request(&message)["type"], "sent");
    assert_eq!(bob.frame()["body"], "hello");

    redis.restart()?;
    server.wait_for_log("presence_regained");
    Ok(())
}

fn without_mysql_the_server_says_so_and_ends() -> Result<(), Failed> {
    let address = free_port()?;
    let store = format!("mysql://chat:hunter2@{address}/chat");
    for command in ["serve", "migrate"] {
        let ended = run_on(&store, command);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains(&address.to_string()) && !lines[0].contains("hunter2"),
            "{lines:?}"
        );
    }
    Ok(())
}
