//! 10,000 clients who come back after a restart of their server.

use super::Context;
use crate::accounts::LoadAccounts;
use crate::figure::{Figure, Target};
use crate::load::Load;

const CLIENTS: &str = "reconnect --connections 10000 --seed 1 --await-restart";
const ACCOUNTS: LoadAccounts = LoadAccounts {
    seed: 1,
    count: 10_000,
};

/// From the server's crash until the last client is synced again.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let directory = context.programs.scratch()?;
    let mut server = ACCOUNTS.serve(context.programs, directory.path()).await?;
    let mut load = Load::prepare(context.programs, &server.address, CLIENTS).await?;
    load.begin().await?;
    server.kill()?;
    server.restart(context.programs)?;
    let report = load.report().await?;
    Ok(vec![Figure::alone(
        "restart of the server, SQLite, until 10,000 clients are synced again by token",
        "s",
        [report.latency("drop_to_synced")?.max_us / 1e6]
            .into_iter()
            .collect(),
        Target::Reported,
    )])
}
