//! Direct pairs in memory beside a bare relay.

use super::Context;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::samples::Samples;
use crate::server::{Relay, Server, Store};

const PAIRS: [&str; 3] = ["direct", "--connections", "100"];

/// Messages that receivers got, each answered as well; the relay answers nothing.
pub(super) async fn window(context: Context<'_>, window: u32) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let relay = Relay::start(context.programs)?;
    let window = window.to_string();
    let load = [&PAIRS[..], &["--window", &window, "--duration", "3s"]].concat();
    let (mut ours, mut reference) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        ours.add(
            Load::run(context.programs, &server.address, &load)
                .await?
                .rate("delivered")?,
        );
        let unanswered = [&load[..], &["--unanswered"]].concat();
        reference.add(
            Load::run(context.programs, &relay.address, &unanswered)
                .await?
                .rate("delivered")?,
        );
    }
    let what =
        format!("direct pairs, in memory, window {window}, delivered and answered, beside a bare relay");
    Ok(vec![Figure::compared(
        &what,
        "/s",
        ours,
        reference,
        Target::AtLeast(0.5),
    )])
}

/// The 99th percentile from send to delivery at a fifth of what the server can do.
pub(super) async fn latency(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let relay = Relay::start(context.programs)?;
    let fastest = [&PAIRS[..], &["--window", "64", "--duration", "3s"]].concat();
    let most = Load::run(context.programs, &server.address, &fastest)
        .await?
        .rate("delivered")?;
    let rate = format!("{:.0}", most / 5.0);
    let load = [&PAIRS[..], &["--rate", &rate, "--duration", "4s"]].concat();
    let (mut ours, mut reference) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        ours.add(p99(context, &server.address, &load).await?);
        reference.add(p99(context, &relay.address, &[&load[..], &["--unanswered"]].concat()).await?);
    }
    let what = format!(
        "p99 from send to delivered at {rate}/s, a fifth of the maximal rate, in memory, beside a bare relay"
    );
    Ok(vec![Figure::compared(
        &what,
        "ms",
        ours,
        reference,
        Target::AtMost(2.0),
    )])
}

/// Milliseconds from send to delivery that one message of a hundred takes longer than.
pub(super) async fn p99(context: Context<'_>, server: &str, load: &[&str]) -> anyhow::Result<f64> {
    let report = Load::run(context.programs, server, load).await?;
    Ok(report.latency("send_to_message")?.p99_us / 1_000.0)
}
