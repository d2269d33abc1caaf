//! How processes of the server are made.

use std::process::Command;

pub use chat_test_services::Ended;
use chat_test_services::Process;

/// Runs the program to its end, with this environment beside the test's own.
///
/// # Panics
/// Where it does not end within a minute.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut process = start(command(arguments).envs(environment.iter().copied()));
    process.wait_all().expect("the program ends within a minute")
}

/// Runs a command on this store, with a free port for clients and none for operators.
///
/// # Panics
/// Where it does not end within a minute.
pub fn run_on(store: &str, command: &str) -> Ended {
    let listen = ["--listen", "127.0.0.1:0", "--http", "none"];
    run(&[&[command][..], &listen, &["--store", store]].concat(), &[])
}

/// The one sentence of a run that failed with this exit code.
///
/// # Panics
/// Where it ended otherwise, or said more.
pub fn failure(code: i32, ended: &Ended) -> &str {
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(code), ""),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    &ended.stderr
}

/// The program, not yet started, without the settings of whoever runs the tests.
pub(super) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHAT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

pub(super) fn start(command: &Command) -> Process {
    Process::start(command).expect("the program starts")
}
