//! One server process with an empty store.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long the server may take until it is ready; only a failure ever waits for it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Server {
    /// Starts a server on a free port with the given lines as its settings file.
    pub(super) fn start(settings: &[String]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("chat.toml");
        fs::write(&config, settings.join("\n"))?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_chat-server"))
            .current_dir(directory.path())
            .arg("--config")
            .arg(&config)
            .args(["--listen", "127.0.0.1:0", "--store", "memory:"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(Self::log_of(&directory))?)
            .spawn()?;
        let stdout = process.stdout.take();
        // From here on dropping it ends the process, whatever fails.
        let mut server = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            directory,
        };
        let ready = stdout.context("the server has no output").and_then(ready_line);
        server.address = ready
            .and_then(|line| address_in(&line))
            .map_err(|error| error.context(server.said()))?;
        Ok(server)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks the server to drain.
    pub(super) fn terminate(&self) -> Result<()> {
        let id = Pid::from_raw(self.process.id().try_into()?);
        kill(id, Signal::SIGTERM).context("the server could not be told to stop")
    }

    /// The server's log so far.
    pub(super) fn said(&self) -> String {
        let log = fs::read_to_string(Self::log_of(&self.directory)).unwrap_or_default();
        format!("the server's log:\n{log}")
    }

    fn log_of(directory: &TempDir) -> PathBuf {
        directory.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only where the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for the first line of output, and keeps reading so that the server is never held up.
fn ready_line(stdout: ChildStdout) -> Result<String> {
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            // Only the first line is wanted.
            let _ = sender.try_send(line);
        }
    });
    match receiver.recv_timeout(DEADLINE) {
        Ok(line) => Ok(line?),
        Err(_) => bail!("the server did not say that it is ready"),
    }
}

/// The address that the line names, which has the port that the system chose.
fn address_in(line: &str) -> Result<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '"' | '(' | ')'))
        .find_map(|word| word.trim_matches('.').parse().ok())
        .with_context(|| format!("the server's first line names no address: {line}"))
}
