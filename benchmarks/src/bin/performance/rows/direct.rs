//! Direct pairs in memory beside a bare relay.

use super::{Context, in_turns};
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::server::{Relay, Server, Store};

const PAIRS: &str = "direct --connections 100";

/// Messages that receivers got, each answered as well; the relay answers nothing.
pub(super) async fn window(context: Context<'_>, window: u32) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let relay = Relay::start(context.programs)?;
    let load = format!("{PAIRS} --window {window} --duration 2s");
    let (ours, reference) = in_turns(
        context.runs,
        async || delivered(context, &server.address, &load).await,
        async || delivered(context, &relay.address, &unanswered(&load)).await,
    )
    .await?;
    let what =
        format!("direct pairs, in memory, window {window}, delivered and answered, beside a bare relay");
    let target = Target::AtLeast(0.5);
    Ok(vec![Figure::compared(&what, "/s", ours, reference, target)])
}

/// The 99th percentile from send to delivery at a fifth of what the server can do.
pub(super) async fn latency(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let relay = Relay::start(context.programs)?;
    let fastest = format!("{PAIRS} --window 64 --duration 2s");
    let rate = delivered(context, &server.address, &fastest).await? / 5.0;
    let load = format!("{PAIRS} --rate {rate:.0} --duration 3s");
    let (ours, reference) = in_turns(
        context.runs,
        async || p99(context, &server.address, &load).await,
        async || p99(context, &relay.address, &unanswered(&load)).await,
    )
    .await?;
    let what = format!(
        "p99 from send to delivered at {rate:.0}/s, a fifth of the maximal rate, in memory, beside a bare relay"
    );
    let target = Target::AtMost(2.0);
    Ok(vec![Figure::compared(&what, "ms", ours, reference, target)])
}

/// The same load for the relay.
pub(super) fn unanswered(load: &str) -> String {
    format!("{load} --unanswered")
}

/// Messages that receivers got a second.
pub(super) async fn delivered(context: Context<'_>, servers: &str, load: &str) -> anyhow::Result<f64> {
    Load::run(context.programs, servers, load)
        .await?
        .rate("delivered")
}

/// Milliseconds from send to delivery that one message of a hundred takes longer than.
pub(super) async fn p99(context: Context<'_>, server: &str, load: &str) -> anyhow::Result<f64> {
    let report = Load::run(context.programs, server, load).await?;
    Ok(report.latency("send_to_message")?.p99_us / 1_000.0)
}
