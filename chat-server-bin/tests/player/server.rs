//! One server process with an empty store.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result};
use chat_test_services::{Process, Signal};
use tempfile::TempDir;

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Process,
    address: SocketAddr,
    _directory: TempDir,
}

impl Server {
    /// Starts a server on a free port with the given lines as its settings file.
    pub(super) fn start(settings: &[String]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("chat.toml");
        fs::write(&config, settings.join("\n"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command
            .current_dir(directory.path())
            .arg("--config")
            .arg(&config)
            .args(["--listen", "127.0.0.1:0", "--store", "memory:"]);
        let process = Process::start(&command)?;
        let ready = process
            .stdout()
            .first_line()
            .context("the server did not say that it is ready");
        let address = ready
            .and_then(|line| address_in(&line))
            .map_err(|error| error.context(process.stderr().text()))?;
        Ok(Self {
            process,
            address,
            _directory: directory,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks the server to drain.
    pub(super) fn terminate(&mut self) {
        self.process.signal(Signal::SIGTERM);
    }

    /// The server's log so far.
    pub(super) fn said(&self) -> String {
        format!("the server's log:\n{}", self.process.stderr().text())
    }
}

/// The address that the line names, which has the port that the system chose.
fn address_in(line: &str) -> Result<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '"' | '(' | ')'))
        .find_map(|word| word.trim_matches('.').parse().ok())
        .with_context(|| format!("the server's first line names no address: {line}"))
}
