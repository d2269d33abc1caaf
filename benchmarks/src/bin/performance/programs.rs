//! The programs that the runner starts, which are built before it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use chat_test_services::Process;

/// Where the programs are: beside this one.
#[derive(Debug)]
pub(crate) struct Programs {
    directory: PathBuf,
    tokens: tempfile::TempDir,
}

impl Programs {
    /// They lie where cargo puts them.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let this = std::env::current_exe()?;
        let directory = this.parent().context("this program is in no folder")?;
        Ok(Self {
            directory: directory.to_owned(),
            tokens: tempfile::tempdir()?,
        })
    }

    /// Where the loads of some servers keep the tokens of their users: hashing passwords anew for each run would take
    /// longer than the runs.
    pub(crate) fn tokens(&self, servers: &str) -> PathBuf {
        self.tokens.path().join(servers.replace([':', ','], "-"))
    }

    /// A folder on the disk that the programs are on, for files that have to be durable.
    pub(crate) fn scratch(&self) -> anyhow::Result<tempfile::TempDir> {
        Ok(tempfile::Builder::new()
            .prefix("performance-")
            .tempdir_in(&self.directory)?)
    }

    pub(crate) fn server(&self) -> anyhow::Result<PathBuf> {
        present(&self.directory.join("chat-server"))
    }

    pub(crate) fn chat(&self) -> anyhow::Result<PathBuf> {
        present(&self.directory.join("chat"))
    }

    pub(crate) fn relay(&self) -> anyhow::Result<PathBuf> {
        present(&self.directory.join("reference-relay"))
    }

    pub(crate) fn append(&self) -> anyhow::Result<PathBuf> {
        present(&self.directory.join("reference-append"))
    }
}

fn present(program: &Path) -> anyhow::Result<PathBuf> {
    if !program.is_file() {
        bail!(
            "{} is missing: `make bench` and the targets beside it build all that is needed",
            program.display()
        );
    }
    Ok(program.to_owned())
}

/// A program without the settings of whoever measures.
pub(crate) fn command(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHAT_")) {
        command.env_remove(name);
    }
    command
}

/// Where a program says that it is `listening on` once it is ready.
pub(crate) fn address(process: &Process) -> anyhow::Result<String> {
    let ready = process.stdout().first_line();
    let ready =
        ready.with_context(|| format!("a program did not get ready:\n{}", process.stderr().text()))?;
    let address = ready
        .split_once("listening on ")
        .and_then(|(_, rest)| rest.split(',').next());
    Ok(address
        .context("a program did not say where it listens")?
        .trim()
        .to_owned())
}
