//! One server, and the relay that it is measured against.

use std::fs;

use chat_test_services::{Pid, Process, Signal, free_port};
use tempfile::TempDir;

use crate::programs::{Programs, address, command};

/// What a load from one address needs beyond the defaults.
const LIMITS: &str =
    "[limits]\nregistrations_per_minute = 1000000\nrequests_per_second = 1000000\nrequests_burst = 1000000\n";

/// A running `chat-server` with files of its own.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: String,
    directory: TempDir,
}

/// Where a server keeps everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store<'u> {
    Memory,
    /// A file in the server's own folder.
    Sqlite,
    /// What a URL names.
    Url(&'u str),
}

impl Server {
    pub(crate) fn start(programs: &Programs, store: Store<'_>) -> anyhow::Result<Self> {
        Self::start_with(programs, store, "")
    }

    /// The same with further lines in `[limits]`.
    pub(crate) fn start_with(programs: &Programs, store: Store<'_>, limits: &str) -> anyhow::Result<Self> {
        let directory = programs.scratch()?;
        let store = match store {
            Store::Memory => "memory:".to_owned(),
            Store::Sqlite => format!("sqlite:{}", directory.path().join("chat.db").display()),
            Store::Url(url) => url.to_owned(),
        };
        // A port that it gets again when it is started again.
        let listen = free_port()?;
        let settings = format!(
            "listen = \"{listen}\"\nhttp = \"none\"\nnode = \"measured\"\nevent_log = []\nstore = {store:?}\n\
             {LIMITS}{limits}"
        );
        fs::write(directory.path().join("chat.toml"), settings)?;
        let process = run(programs, &directory)?;
        Ok(Self {
            address: address(&process)?,
            process,
            directory,
        })
    }

    pub(crate) fn id(&self) -> Pid {
        self.process.id()
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.signal(Signal::SIGKILL);
        self.process.wait()?;
        Ok(())
    }

    /// Starts it again after its end, on the same address and files.
    pub(crate) fn restart(&mut self, programs: &Programs) -> anyhow::Result<()> {
        self.process = run(programs, &self.directory)?;
        address(&self.process)?;
        Ok(())
    }
}

fn run(programs: &Programs, directory: &TempDir) -> anyhow::Result<Process> {
    let settings = directory.path().join("chat.toml");
    Ok(Process::start(
        command(programs.server()?).arg("--config").arg(settings),
    )?)
}

/// A running `reference-relay`.
pub(crate) struct Relay {
    _process: Process,
    pub(crate) address: String,
}

impl Relay {
    pub(crate) fn start(programs: &Programs) -> anyhow::Result<Self> {
        let process = Process::start(command(programs.relay()?).args(["--listen", "127.0.0.1:0"]))?;
        Ok(Self {
            address: address(&process)?,
            _process: process,
        })
    }
}
