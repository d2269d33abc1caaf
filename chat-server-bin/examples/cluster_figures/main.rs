//! Measures a cluster of three nodes behind nginx, on a MariaDB and a Redis of its own: `cluster_figures [RUNS]`.
//!
//! `make figures` builds what it needs and runs it three times. Each run begins with an empty store, and measures
//! a bare loop of inserts on the same MariaDB. It ends with an error where a message was lost, repeated or out of
//! order.

mod cluster;
mod counters;
mod loads;
mod programs;
mod table;

use std::process::Command;

use anyhow::{Context, bail};

use cluster::Cluster;
use loads::{Load, number};
use programs::Programs;
use table::Table;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let runs: usize = match std::env::args().nth(1) {
        Some(runs) => runs.parse().context("usage: cluster_figures [RUNS]")?,
        None => 1,
    };
    let programs = Programs::find()?;
    let mut table = Table::default();
    for _ in 0..runs {
        let cluster = Cluster::start(&programs).await?;
        sends(&programs, &cluster, &mut table).await?;
        latency(&programs, &cluster, &mut table).await?;
        group(&programs, &cluster, &mut table).await?;
    }
    table.print();
    Ok(())
}

async fn sends(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let front = cluster.front();
    let bare = bare(programs, cluster)?;
    let hundred = Load::run(programs, cluster, &["sends", &front, "100", "10"]).await?;
    let ten = Load::run(programs, cluster, &["sends", &front, "10", "5"]).await?;
    let one = Load::run(programs, cluster, &["sends", &front, "1", "5"]).await?;
    let rate = hundred.number(", ", " sends/s")?;
    table.add("sends acknowledged, 100 clients, /s", 0, rate);
    table.add("a bare loop, 500 rows a transaction, /s", 0, bare);
    table.add("sends acknowledged ÷ the bare loop", 2, rate / bare);
    for (clients, load) in [("1 client", &one), ("10 clients", &ten), ("100 clients", &hundred)] {
        table.add(&format!("sends acknowledged, {clients}, /s"), 0, load.number(", ", " sends/s")?);
        table.add(&format!("SQL statements a message, {clients}"), 2, load.statements()?);
        table.add(&format!("messages a transaction, {clients}"), 1, load.messages_a_commit()?);
    }
    table.add("Redis: publishes a direct message", 2, hundred.published()?);
    table.add("Redis: passed on to nodes, a direct message", 2, hundred.passed_on_directly()?);
    Ok(())
}

async fn latency(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let load = Load::run(programs, cluster, &["latency", &cluster.each_node(), "20", "1000"]).await?;
    table.add("from one node to another at 1,000 messages/s, p50, ms", 2, load.number("p50 ", " ms")?);
    table.add("from one node to another at 1,000 messages/s, p99, ms", 2, load.number("p99 ", " ms")?);
    Ok(())
}

async fn group(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let load = Load::run(programs, cluster, &["group", &cluster.each_node(), "1000", "10"]).await?;
    table.add("deliveries in a group of 1,000, /s", 0, load.number(", ", " deliveries/s")?);
    table.add("Redis: publishes a message to the group", 2, load.published()?);
    table.add("Redis: passed on to nodes, a message to the group", 2, load.passed_on_to_group()?);
    Ok(())
}

/// Rows a second that a loop of multi-row inserts stores on the cluster's MariaDB.
fn bare(programs: &Programs, cluster: &Cluster) -> anyhow::Result<f64> {
    let output = Command::new(&programs.bare).arg(cluster.mariadb.url()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("mysql_append failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    eprint!("{text}");
    number(&text, "500 ", " bare")
}
