//! Three nodes behind nginx, on a MariaDB and a Redis of their own.

use super::paced;
use super::table::Table;
use crate::append::{self, Append};
use crate::cluster::{Cluster, NO_LOG};
use crate::counted::Counted;
use crate::programs::Programs;

/// Senders and seconds.
const LOADS: [(u32, &str); 3] = [(100, "10s"), (10, "5s"), (1, "5s")];

pub(crate) async fn measure(programs: &Programs, runs: usize, table: &mut Table) -> anyhow::Result<()> {
    for _ in 0..runs {
        let cluster = Cluster::start(programs, |_| NO_LOG.to_owned()).await?;
        sends(programs, &cluster, table).await?;
        latency(programs, &cluster, table).await?;
        group(programs, &cluster, table).await?;
    }
    Ok(())
}

async fn sends(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let reference = append::on_mysql(programs, &cluster.mariadb.url(), Append::InFlight).await?;
    for (senders, time) in LOADS {
        let arguments = format!(
            "direct --connections {} --window 10 --duration {time}",
            senders * 2
        );
        let load = Counted::run(programs, cluster, &cluster.front(), &arguments).await?;
        let rate = load.report.rate("sent")?;
        let mut add = |what: &str, decimals, value| {
            table.add(&format!("{senders} client(s): {what}"), decimals, value);
        };
        add("sends acknowledged, /s", 0, rate);
        add("the same ÷ the bare inserts", 2, rate / reference);
        add("SQL statements a message", 2, load.statements()?);
        add("messages a transaction", 1, load.messages_a_commit()?);
        add("publishes on Redis a message", 2, load.published()?);
        add("passed on by Redis a message", 2, load.passed_on_directly()?);
    }
    table.add("bare inserts, 1,000 senders, rows/s", 0, reference);
    Ok(())
}

async fn latency(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let load = Counted::run(programs, cluster, &cluster.each_node(), &paced(1_000)).await?;
    add_latency("1,000 messages/s from node to node", &load, table)
}

/// Adds how long messages were on their way.
pub(super) fn add_latency(when: &str, load: &Counted, table: &mut Table) -> anyhow::Result<()> {
    let latency = load.report.latency("send_to_message")?;
    for (quantile, micros) in [("p50", latency.p50_us), ("p99", latency.p99_us)] {
        let what = format!("{when}: send to delivered, {quantile}, ms");
        table.add(&what, 2, micros / 1_000.0);
    }
    Ok(())
}

async fn group(programs: &Programs, cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let arguments = "group --connections 1000 --senders 3 --window 10";
    let load = Counted::run(programs, cluster, &cluster.each_node(), arguments).await?;
    let delivered = load.report.rate("delivered")?;
    let mut add = |what: &str, decimals, value| {
        table.add(&format!("group of 1,000: {what}"), decimals, value);
    };
    add("deliveries, /s", 0, delivered);
    add("publishes on Redis a message", 2, load.published()?);
    add("passed on by Redis a message", 2, load.passed_on_to_group()?);
    Ok(())
}
