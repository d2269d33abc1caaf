//! Measures a cluster of three nodes behind nginx, on a MariaDB and a Redis of its own: `cluster_figures [log|rpc] [RUNS]`.
//!
//! `make figures` builds what it needs and runs it three times. Each run begins with an empty store, and measures
//! a bare loop of inserts on the same MariaDB. It ends with an error where a message was lost, repeated or out of
//! order.
//!
//! `make log-figures` measures what the event log costs instead, and what becomes of sends while its Kafka is away;
//! `make rpc-figures` what it costs to reach the store through backends.

mod cluster;
mod counters;
mod loads;
mod log;
mod processes;
mod programs;
mod rpc;
mod table;

use std::process::Command;

use anyhow::{Context, bail};

use cluster::Cluster;
use loads::Load;
use programs::Programs;
use table::Table;

/// The setting of nodes that write no event log.
const NO_LOG: &str = "event_log = []";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let part = arguments.next_if(|argument| ["log", "rpc"].contains(&argument.as_str()));
    let runs: usize = match arguments.next() {
        Some(runs) => runs.parse().context("usage: cluster_figures [log|rpc] [RUNS]")?,
        None => 1,
    };
    let programs = Programs::find()?;
    let mut table = Table::default();
    match part.as_deref() {
        Some("log") => log::measure(&programs, runs, &mut table).await?,
        Some(_) => rpc::measure(&programs, runs, &mut table).await?,
        None => whole(&programs, runs, &mut table).await?,
    }
    table.print();
    Ok(())
}

async fn whole(programs: &Programs, runs: usize, table: &mut Table) -> anyhow::Result<()> {
    for _ in 0..runs {
        let cluster = Cluster::start(programs, |_| NO_LOG.to_owned()).await?;
        sends(programs, &cluster, table).await?;
        latency(programs, &cluster, table).await?;
        group(programs, &cluster, table).await?;
    }
    Ok(())
}

async fn sends(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let bare = bare(programs, cluster)?;
    let front = cluster.front();
    for (clients, seconds) in [("100", "10"), ("10", "5"), ("1", "5")] {
        let load = Load::run(programs, cluster, &["sends", &front, clients, seconds]).await?;
        let rate = load.number_before(" sends/s")?;
        let mut add = |what: &str, decimals, value| {
            table.add(&format!("{clients} client(s): {what}"), decimals, value);
        };
        add("sends acknowledged, /s", 0, rate);
        add("the same ÷ the bare loop", 2, rate / bare);
        add("SQL statements a message", 2, load.statements()?);
        add("messages a transaction", 1, load.messages_a_commit()?);
        add("publishes on Redis a message", 2, load.published()?);
        add("passed on by Redis a message", 2, load.passed_on_directly()?);
    }
    table.add("a bare loop, 500 rows a transaction, rows/s", 0, bare);
    Ok(())
}

async fn latency(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let arguments = ["latency", &cluster.each_node(), "20", "1000"];
    let load = Load::run(programs, cluster, &arguments).await?;
    let mut add = |what: &str, value| {
        table.add(
            &format!("1,000 messages/s from node to node: {what}, ms"),
            2,
            value,
        );
    };
    add("p50", load.number_before(" ms p50")?);
    add("p99", load.number_before(" ms p99")?);
    Ok(())
}

async fn group(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let arguments = ["group", &cluster.each_node(), "1000", "10"];
    let load = Load::run(programs, cluster, &arguments).await?;
    let mut add = |what: &str, decimals, value| {
        table.add(&format!("group of 1,000: {what}"), decimals, value);
    };
    add("deliveries, /s", 0, load.number_before(" deliveries/s")?);
    add("publishes on Redis a message", 2, load.published()?);
    add("passed on by Redis a message", 2, load.passed_on_to_group()?);
    Ok(())
}

/// Rows a second that a loop of multi-row inserts stores on the cluster's MariaDB, 500 in a transaction.
fn bare(programs: &Programs, cluster: &Cluster) -> anyhow::Result<f64> {
    let output = Command::new(programs.bare()?)
        .env("CHAT_TEST_MYSQL_URL", cluster.mariadb.url())
        .output()?;
    if !output.status.success() {
        bail!("mysql_append failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    // The line of a batch's size, with the bare loop in the last column.
    let mut lines = text.lines().map(str::split_whitespace);
    let line = lines.find_map(|mut columns| (columns.next() == Some("500")).then_some(columns));
    let rate = line.and_then(|columns| columns.last());
    Ok(rate.context("mysql_append has no line for 500 rows")?.parse()?)
}
