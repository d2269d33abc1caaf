//! Messages beside a storm of logins.

use super::direct::p99;
use super::{Context, in_turns};
use crate::accounts::LoadAccounts;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::server::Server;

const MESSAGES: &str = "direct --connections 20 --rate 1000 --duration 4s";
/// By password, which is what a storm costs; of other users than those of the messages. It lasts longer than those.
const LOGINS: &str = "logins --seed 2 --by password --connections 1000 --warm-up 0s --duration 6s";
const ACCOUNTS: LoadAccounts = LoadAccounts {
    seed: 2,
    count: 1_000,
};

/// How long 1,000 messages a second take while 1,000 users log in, each again as soon as they are done.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let directory = context.programs.scratch()?;
    let server = ACCOUNTS.serve(context.programs, directory.path()).await?;
    let (beside, without) = in_turns(
        context.runs,
        async || beside_storm(context, &server).await,
        async || p99(context, &server.address, MESSAGES).await,
    )
    .await?;
    let what =
        "p99 from send to delivered at 1,000 messages/s, SQLite, beside 1,000 users who log in by password";
    let target = Target::AtMost(2.0);
    Ok(vec![Figure::compared(what, "ms", beside, without, target)])
}

async fn beside_storm(context: Context<'_>, server: &Server) -> anyhow::Result<f64> {
    let mut storm = Load::prepare(context.programs, &server.address, LOGINS).await?;
    let mut messages = Load::prepare(context.programs, &server.address, MESSAGES).await?;
    storm.begin().await?;
    messages.begin().await?;
    let report = messages.report().await?;
    // Nobody needs to wait until the last of a thousand users is in.
    anyhow::ensure!(!storm.has_ended()?, "the storm ended before the messages");
    Ok(report.latency("send_to_message")?.p99_us / 1_000.0)
}
