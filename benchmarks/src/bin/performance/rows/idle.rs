//! 10,000 connections that are idle after a busy day.

use std::iter;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Context;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::processes::{busy, memory};
use crate::samples::Samples;
use crate::server::{Server, Store};

const CONNECTIONS: f64 = 10_000.0;
const IDLE: [&str; 3] = ["idle", "--connections", "10000"];
/// What was freed is given back to the system by then.
const SETTLING: Duration = Duration::from_secs(5);
/// Long enough for what the server does every few seconds.
const WATCHED: Duration = Duration::from_secs(20);

/// The memory of a connection, and the processor time of all of them. One run tells: nothing else happens.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let resident = || memory(iter::once(server.id()));
    let processor = || busy(iter::once(server.id()));
    let empty = resident()?;
    let load = Load::prepare(context.programs, &server.address, &IDLE).await?;
    sleep(SETTLING).await;
    let (before, begun) = (processor()?, Instant::now());
    sleep(WATCHED).await;
    let share = (processor()? - before) / begun.elapsed().as_secs_f64() * 100.0;
    let each = (resident()? - empty) * 1e6 / 1_024.0 / CONNECTIONS;
    drop(load);
    let one = |value| [value].into_iter().collect::<Samples>();
    Ok(vec![
        Figure::alone(
            "resident memory of an idle connection, 10,000 logged in, after a busy day, over the empty server",
            "KiB",
            one(each),
            Target::AtMost(6.0),
        ),
        Figure::alone(
            "processor time of 10,000 idle connections",
            "% of a core",
            one(share),
            Target::AtMost(1.0),
        ),
    ])
}
