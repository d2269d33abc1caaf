//! A load on a cluster, and what it cost.

use crate::cluster::Cluster;
use crate::counters::{Counters, listeners};
use crate::load::Load;
use crate::programs::Programs;
use crate::report::Report;

/// What a load measured, and what was counted from its first message to its end.
pub(crate) struct Counted {
    pub(crate) report: Report,
    counters: Counters,
    mean_listeners: f64,
    most_listeners: f64,
}

impl Counted {
    /// Runs a load whose messages are all counted: it does not warm up.
    pub(crate) async fn run(
        programs: &Programs,
        cluster: &Cluster,
        servers: &str,
        arguments: &str,
    ) -> anyhow::Result<Self> {
        let arguments = format!("{arguments} --warm-up 0s");
        let mut load = Load::prepare(programs, servers, &arguments).await?;
        let before = Counters::read(cluster).await?;
        let (mean_listeners, most_listeners) = listeners(cluster).await?;
        load.begin().await?;
        let report = load.report().await?;
        let counters = Counters::read(cluster).await?.since(before);
        Ok(Self {
            report,
            counters,
            mean_listeners,
            most_listeners,
        })
    }

    fn messages(&self) -> anyhow::Result<f64> {
        self.report.count("sent")
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
