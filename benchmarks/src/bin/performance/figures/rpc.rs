//! What it costs that the nodes reach their store through backends.

use std::fs;
use std::sync::Arc;

use chat_test_services::MariaDb;

use super::nodes::add_latency;
use super::table::Table;
use super::{SENDS, paced};
use crate::cluster::{Cluster, NO_LOG, Size};
use crate::counted::Counted;
use crate::programs::Programs;

/// Backends: none is the store in the nodes' own processes.
const BACKENDS: [usize; 3] = [0, 1, 2];
/// Messages a second: few for two cores, and nearly as many as they can do one by one.
const RATES: [u32; 2] = [200, 1_000];

pub(crate) async fn measure(programs: &Programs, runs: usize, table: &mut Table) -> anyhow::Result<()> {
    for run in 0..runs {
        let load = fs::read_to_string("/proc/loadavg")?;
        table.add(
            "load average of the machine before the run",
            2,
            first_number(&load)?,
        );
        let mariadb = Arc::new(MariaDb::start()?);
        let mut rates = [0.0; BACKENDS.len()];
        // Each time in another order.
        for place in 0..BACKENDS.len() {
            let which = (run + place) % BACKENDS.len();
            let rate = one(programs, &mariadb, which, table).await?;
            if let Some(kept) = rates.get_mut(which) {
                *kept = rate;
            }
        }
        let [in_process, through_one, through_two] = rates;
        table.add("one backend: sends ÷ those without", 3, through_one / in_process);
        table.add("two backends: sends ÷ those without", 3, through_two / in_process);
    }
    Ok(())
}

/// Sends as fast as a hundred clients can, and then at fixed rates; answers the rate of the first.
async fn one(
    programs: &Programs,
    mariadb: &Arc<MariaDb>,
    backends: usize,
    table: &mut Table,
) -> anyhow::Result<f64> {
    let size = Size {
        backends,
        ..Size::default()
    };
    let cluster = Cluster::start_on(programs, mariadb, size, |_| NO_LOG.to_owned()).await?;
    let name = match backends {
        0 => "no backend",
        1 => "one backend",
        _ => "two backends",
    };
    let fast = Counted::run(programs, &cluster, &cluster.front(), SENDS).await?;
    let rate = fast.report.rate("sent")?;
    table.add(&format!("{name}: sends acknowledged, /s"), 0, rate);
    busy(&fast, &format!("{name}, as fast as possible"), table)?;
    for rate in RATES {
        let load = Counted::run(programs, &cluster, &cluster.each_node(), &paced(rate)).await?;
        let name = format!("{name}, {rate} messages/s");
        add_latency(&name, &load, table)?;
        busy(&load, &name, table)?;
    }
    Ok(rate)
}

/// Processor time a message, in microseconds: of all nodes together, all backends, and MariaDB.
fn busy(load: &Counted, name: &str, table: &mut Table) -> anyhow::Result<()> {
    let mut add = |who: &str, seconds: f64| {
        let what = format!("{name}: processor time of {who} a message, µs");
        table.add(&what, 1, seconds * 1e6);
    };
    add("the nodes", load.nodes_busy()?);
    add("the backends", load.backends_busy()?);
    add("MariaDB", load.mariadb_busy()?);
    Ok(())
}

fn first_number(text: &str) -> anyhow::Result<f64> {
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}
