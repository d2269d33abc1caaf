//! One run of `chat bench`.

use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr};

use crate::programs::{Programs, command};
use crate::report::Report;

/// A load that is being prepared or runs. Dropping it ends it.
pub(crate) struct Load {
    child: Child,
    errors: BufReader<ChildStderr>,
    what: String,
}

impl Load {
    /// Runs a load, as in `direct --connections 100`, from its beginning to its end.
    pub(crate) async fn run(programs: &Programs, servers: &str, arguments: &str) -> anyhow::Result<Report> {
        Self::start(programs, servers, arguments)?.report().await
    }

    /// Starts a load that waits for nothing.
    pub(crate) fn start(programs: &Programs, servers: &str, arguments: &str) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::from(command(programs.chat()?));
        command
            .args(["--server", servers, "--json", "bench"])
            .args(arguments.split_whitespace())
            .arg("--no-progress")
            .arg("--tokens")
            .arg(programs.tokens(servers))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let errors = child.stderr.take().context("the load has no standard error")?;
        Ok(Self {
            child,
            errors: BufReader::new(errors),
            what: arguments.to_owned(),
        })
    }

    /// Starts a load and waits until it has prepared everything: it begins with [`begin`](Self::begin).
    pub(crate) async fn prepare(programs: &Programs, servers: &str, arguments: &str) -> anyhow::Result<Self> {
        let arguments = format!("{arguments} --wait-for-line");
        let mut load = Self::start(programs, servers, &arguments)?;
        let mut said = String::new();
        while load.errors.read_line(&mut said).await? > 0 {
            if said.lines().last() == Some("ready") {
                return Ok(load);
            }
        }
        bail!("`chat bench {}` did not get ready:\n{said}", load.what)
    }

    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        let input = self
            .child
            .stdin
            .as_mut()
            .context("the load has no standard input")?;
        Ok(input.write_all(b"\n").await?)
    }

    /// Whether it is over.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end, and answers what it measured. Fails where a message was lost, repeated or out of order.
    pub(crate) async fn report(mut self) -> anyhow::Result<Report> {
        let mut output = self
            .child
            .stdout
            .take()
            .context("the load has no standard output")?;
        let (mut said, mut complaints) = (String::new(), String::new());
        tokio::try_join!(
            output.read_to_string(&mut said),
            self.errors.read_to_string(&mut complaints)
        )?;
        if !self.child.wait().await?.success() {
            bail!("`chat bench {}` failed: {}", self.what, complaints.trim());
        }
        Report::parse(&said)
    }
}
