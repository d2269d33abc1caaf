//! 10,000 connections that are idle after a busy day, which is spent in fast forward.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Context;
use crate::day::{self, Stored};
use crate::figure::{Figure, Target};
use crate::processes::{busy, memory};
use crate::samples::Samples;
use crate::server::{Server, Store};

const CONNECTIONS: u32 = 10_000;
/// What was freed is given back to the system by then, and the server has stopped to look for what changed last.
const SETTLING: Duration = Duration::from_secs(15);
/// Long enough for what the server does every few seconds.
const WATCHED: Duration = Duration::from_secs(20);

/// The memory of a connection, and the processor time of all of them. One run tells: nothing else happens.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let directory = context.programs.scratch()?;
    let file = directory.path().join("chat.db");
    let stored = Arc::new(Stored::create(&file, usize::try_from(CONNECTIONS)?).await?);
    let url = format!("sqlite:{}", file.display());
    let server = Server::start(context.programs, Store::Url(&url))?;
    let resident = || memory(iter::once(server.id()));
    let processor = || busy(iter::once(server.id()));
    let empty = resident()?;
    let clients = day::begin(&server.address, &stored).await?;
    sleep(SETTLING).await;
    let unused = resident()? - empty;
    let clients = day::spend(&server.address, &stored, clients).await?;
    sleep(SETTLING).await;
    let (before, begun) = (processor()?, Instant::now());
    sleep(WATCHED).await;
    let share = (processor()? - before) / begun.elapsed().as_secs_f64() * 100.0;
    let used = resident()? - empty;
    drop(clients);
    let memory = |what: &str, megabytes: f64, target| {
        let what = format!(
            "resident memory of an idle connection, 10,000 logged in, {what}, over the empty server, SQLite"
        );
        let each = megabytes * 1e6 / 1_024.0 / f64::from(CONNECTIONS);
        Figure::alone(&what, "KiB", one(each), target)
    };
    Ok(vec![
        memory("after a busy day", used, Target::AtMost(6.0)),
        memory("which never did a thing", unused, Target::Reported),
        Figure::alone(
            "processor time of 10,000 idle connections",
            "% of a core",
            one(share),
            Target::AtMost(1.0),
        ),
    ])
}

fn one(value: f64) -> Samples {
    iter::once(value).collect()
}
