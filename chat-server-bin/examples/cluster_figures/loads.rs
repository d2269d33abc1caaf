//! Runs one load, and tells what it cost.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::cluster::Cluster;
use crate::counters::{Counters, listeners};
use crate::programs::Programs;

/// What a load printed, and what was counted from its first message to its end.
pub(crate) struct Load {
    line: String,
    counters: Counters,
    mean_listeners: f64,
    most_listeners: f64,
}

impl Load {
    pub(crate) async fn run(
        programs: &Programs,
        cluster: &Cluster,
        arguments: &[&str],
    ) -> anyhow::Result<Self> {
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

    /// The number in its line that stands before these words.
    pub(crate) fn number_before(&self, words: &str) -> anyhow::Result<f64> {
        let start = self.line.split_once(words).map(|(start, _)| start);
        let number = start.and_then(|start| start.split_whitespace().last());
        let number = number.with_context(|| format!("no number before {words:?} in {:?}", self.line))?;
        Ok(number.parse()?)
    }

    fn messages(&self) -> anyhow::Result<f64> {
        self.number_before(" messages")
    }

    /// SQL statements a message.
    pub(crate) fn statements(&self) -> anyhow::Result<f64> {
        Ok(self.counters.statements / self.messages()?)
    }

    /// Messages a transaction; those of acknowledgements and the like count too.
    pub(crate) fn messages_a_commit(&self) -> anyhow::Result<f64> {
        Ok(self.messages()? / self.counters.commits)
    }

    /// Seconds of the nodes' processor time a message.
    pub(crate) fn nodes_busy(&self) -> anyhow::Result<f64> {
        Ok(self.counters.nodes_busy / self.messages()?)
    }

    /// Seconds of the backends' processor time a message.
    pub(crate) fn backends_busy(&self) -> anyhow::Result<f64> {
        Ok(self.counters.backends_busy / self.messages()?)
    }

    /// Seconds of MariaDB's processor time a message.
    pub(crate) fn mariadb_busy(&self) -> anyhow::Result<f64> {
        Ok(self.counters.mariadb_busy / self.messages()?)
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
