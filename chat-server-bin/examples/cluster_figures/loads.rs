//! Runs one load, and tells what it cost.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::cluster::Cluster;
use crate::counters::{Counters, listeners};
use crate::programs::Programs;

/// What a load printed, and what MariaDB and Redis counted from its first message to its end.
pub(crate) struct Load {
    line: String,
    counters: Counters,
    mean_listeners: f64,
    most_listeners: f64,
}

impl Load {
    pub(crate) async fn run(programs: &Programs, cluster: &Cluster, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut load = Command::new(&programs.load)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(load.stdout.take().context("the load has no output")?).lines();
        // All are logged in; sending begins a second later.
        lines.next().transpose()?;
        let before = Counters::read(cluster).await?;
        let (mean_listeners, most_listeners) = listeners(cluster).await?;
        let line = lines.next().transpose()?.unwrap_or_default();
        if !load.wait()?.success() {
            bail!("`load {}` failed", arguments.join(" "));
        }
        let counters = Counters::read(cluster).await?.since(before);
        eprintln!("load {}: {line}", arguments.join(" "));
        Ok(Self {
            line,
            counters,
            mean_listeners,
            most_listeners,
        })
    }

    /// The number in its line between these words.
    pub(crate) fn number(&self, before: &str, after: &str) -> anyhow::Result<f64> {
        number(&self.line, before, after)
    }

    fn messages(&self) -> anyhow::Result<f64> {
        self.number("", " messages")
    }

    /// SQL statements a message.
    pub(crate) fn statements(&self) -> anyhow::Result<f64> {
        Ok(self.counters.statements / self.messages()?)
    }

    /// Messages a transaction; those of acknowledgements and the like count too.
    pub(crate) fn messages_a_commit(&self) -> anyhow::Result<f64> {
        Ok(self.messages()? / self.counters.commits)
    }

    /// Publishes on Redis a message.
    pub(crate) fn published(&self) -> anyhow::Result<f64> {
        Ok(self.counters.published / self.messages()?)
    }

    /// What Redis passes on to nodes for a direct message. Redis does not count it; each user is written to
    /// as often as any other, so the mean of the channels is that of the messages.
    pub(crate) fn passed_on_directly(&self) -> anyhow::Result<f64> {
        Ok(self.published()? * self.mean_listeners)
    }

    /// The same for a message to a group, whose channel has more listeners than that of a user.
    pub(crate) fn passed_on_to_group(&self) -> anyhow::Result<f64> {
        Ok(self.published()? * self.most_listeners)
    }
}

/// The number in a text between these words.
pub(crate) fn number(text: &str, before: &str, after: &str) -> anyhow::Result<f64> {
    let end = text.split_once(after).map(|(start, _)| start);
    let found = end.and_then(|start| start.rsplit_once(before)).map(|(_, number)| number);
    let found = found.with_context(|| format!("no number between {before:?} and {after:?} in {text:?}"))?;
    Ok(found.trim().parse()?)
}
