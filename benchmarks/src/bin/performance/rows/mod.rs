//! The table: one row for each figure that has a target, each of which runs by itself.

mod direct;
mod filled;
mod group;
mod idle;
mod login;
mod nodes;
mod restart;
mod sends;
mod storm;

use clap::ValueEnum;

use crate::figure::Figure;
use crate::programs::Programs;
use crate::samples::Samples;

/// What a row is measured with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'p> {
    pub(crate) programs: &'p Programs,
    /// Runs of ours and of the reference, in turns.
    pub(crate) runs: usize,
}

/// The rows, in their order in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Durable sends on SQLite, 1,000 in flight, beside bare inserts
    Sqlite,
    /// Durable sends on MariaDB, 1,000 in flight, beside bare inserts
    Mariadb,
    /// Direct pairs in memory with a window of 64, beside a bare relay
    #[value(name = "direct-64")]
    Direct64,
    /// Direct pairs in memory with a window of 1, beside a bare relay
    #[value(name = "direct-1")]
    Direct1,
    /// A group of 1,000 on one node, beside a bare relay
    Group,
    /// Direct pairs on two nodes over Redis, beside one node
    TwoNodes,
    /// Redis messages and SQL statements for each chat message, 1,000 in flight
    PerMessage,
    /// Memory and processor time of 10,000 connections that are idle after a busy day
    Idle,
    /// The time from send to delivery at a fifth of the maximal rate, beside a bare relay
    Latency,
    /// Statements of a login with 1,000 conversations, 10 of them with news, alone and beside 19 others
    Login,
    /// The time of messages beside a login storm
    LoginStorm,
    /// The time of a group's messages beside a member who does not read
    SlowReader,
    /// 10,000 clients who come back after a restart
    Restart,
    /// Durable sends on SQLite with ten million messages stored, beside an empty one; takes minutes to fill
    FilledSqlite,
    /// The same on MariaDB
    FilledMariadb,
}

impl Row {
    /// Those of the table where none is named: all that take less than some minutes.
    pub(crate) fn usual() -> Vec<Self> {
        let takes_long = |row: &Self| matches!(row, Self::FilledSqlite | Self::FilledMariadb);
        Self::value_variants()
            .iter()
            .copied()
            .filter(|row| !takes_long(row))
            .collect()
    }

    pub(crate) async fn measure(self, context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
        match self {
            Self::Sqlite => sends::sqlite(context).await,
            Self::Mariadb => sends::mariadb(context).await,
            Self::Direct64 => direct::window(context, 64).await,
            Self::Direct1 => direct::window(context, 1).await,
            Self::Group => group::deliveries(context).await,
            Self::TwoNodes => nodes::two(context).await,
            Self::PerMessage => nodes::per_message(context).await,
            Self::Idle => idle::measure(context).await,
            Self::Latency => direct::latency(context).await,
            Self::Login => login::measure(context).await,
            Self::LoginStorm => storm::measure(context).await,
            Self::SlowReader => group::slow_reader(context).await,
            Self::Restart => restart::measure(context).await,
            Self::FilledSqlite => filled::sqlite(context).await,
            Self::FilledMariadb => filled::mariadb(context).await,
        }
    }
}

/// Measures the one and the other in turns, so that what else the machine does concerns both.
async fn in_turns(
    runs: usize,
    ours: impl AsyncFn() -> anyhow::Result<f64>,
    reference: impl AsyncFn() -> anyhow::Result<f64>,
) -> anyhow::Result<(Samples, Samples)> {
    let mut samples = <(Samples, Samples)>::default();
    for _ in 0..runs {
        samples.0.add(ours().await?);
        samples.1.add(reference().await?);
    }
    Ok(samples)
}
