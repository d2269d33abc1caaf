//! What the event log costs, and what becomes of sends while its Kafka is away.

use anyhow::bail;
use chat_test_services::Kafka;

use super::nodes::add_latency;
use super::table::Table;
use super::{SENDS, paced};
use crate::cluster::{Cluster, NO_LOG};
use crate::counted::Counted;
use crate::load::Load;
use crate::processes::memory;
use crate::programs::Programs;

/// Loads of ten seconds before Kafka is killed, and after it has come back.
const BESIDE: usize = 2;
/// Such loads while it is dead: half a minute.
const DEAD: usize = 3;
/// Users who log in by token a hundred times a second in all, so that there is something to record.
const VISITORS: &str = "logins --seed 2 --connections 10 --rate 100 --duration 1h";
/// So few that half a minute of their records is more than can wait.
const SMALL_BUFFER: &str = "kafka.buffer = 1000\nkafka.in_flight = 1000";

pub(crate) async fn measure(programs: &Programs, runs: usize, table: &mut Table) -> anyhow::Result<()> {
    // It runs in all cases, so that it is not measured.
    let mut kafka = Kafka::start()?;
    for run in 0..runs {
        costs(programs, &kafka, run, table).await?;
    }
    for _ in 0..runs {
        outage(programs, &mut kafka, table).await?;
    }
    Ok(())
}

/// Sends without a log and with two, one after the other, each time in another order.
async fn costs(programs: &Programs, kafka: &Kafka, run: usize, table: &mut Table) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let mut rates = [0.0; 3];
    for place in 0..rates.len() {
        let which = (run + place) % rates.len();
        let (name, event_log): (_, Box<dyn Fn(usize) -> String>) = match which {
            0 => ("no log", Box::new(|_| NO_LOG.to_owned())),
            1 => ("a file", {
                let folder = directory.path().display();
                Box::new(move |number| format!("event_log = [\"file:{folder}/{number}.jsonl\"]"))
            }),
            _ => ("Kafka", Box::new(|_| in_kafka(kafka))),
        };
        let cluster = Cluster::start(programs, event_log).await?;
        let load = Counted::run(programs, &cluster, &cluster.front(), SENDS).await?;
        let rate = load.report.rate("sent")?;
        table.add(&format!("{name}: sends acknowledged, /s"), 0, rate);
        let micros = load.nodes_busy()? * 1e6;
        table.add(
            &format!("{name}: processor time of the nodes a send, µs"),
            2,
            micros,
        );
        if let Some(kept) = rates.get_mut(which) {
            *kept = rate;
        }
    }
    let [none, file, kafka] = rates;
    table.add("a file: sends ÷ those without a log", 3, file / none);
    table.add("Kafka: sends ÷ those without a log", 3, kafka / none);
    Ok(())
}

/// 1,000 messages a second from node to node before, while and after Kafka is dead for half a minute, and more sessions
/// than its absence leaves room to record.
async fn outage(programs: &Programs, kafka: &mut Kafka, table: &mut Table) -> anyhow::Result<()> {
    let cluster = Cluster::start(programs, |_| format!("{}\n{SMALL_BUFFER}", in_kafka(kafka))).await?;
    let mut visitors = Load::start(programs, &cluster.each_node(), VISITORS)?;
    for _ in 0..BESIDE {
        delivered(programs, &cluster, "before", table).await?;
    }
    kafka.kill()?;
    for _ in 0..DEAD {
        delivered(programs, &cluster, "Kafka is dead", table).await?;
    }
    kafka.restart()?;
    for _ in 0..BESIDE {
        delivered(programs, &cluster, "after", table).await?;
    }
    if visitors.has_ended()? {
        bail!("the visitors gave up: {:?}", visitors.report().await.err());
    }
    Ok(())
}

async fn delivered(
    programs: &Programs,
    cluster: &Cluster,
    when: &str,
    table: &mut Table,
) -> anyhow::Result<()> {
    let load = Counted::run(programs, cluster, &cluster.each_node(), &paced(1_000)).await?;
    add_latency(when, &load, table)?;
    let what = format!("{when}: resident memory of the largest node, MB");
    table.add(&what, 1, memory(cluster.ids())?);
    Ok(())
}

fn in_kafka(kafka: &Kafka) -> String {
    format!("event_log = [\"kafka://{}/chat-events\"]", kafka.bootstrap())
}
