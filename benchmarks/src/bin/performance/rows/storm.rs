//! Messages beside a storm of logins.

use super::Context;
use super::direct::p99;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::samples::Samples;
use crate::server::{Server, Store};

const MESSAGES: [&str; 7] = [
    "direct",
    "--connections",
    "20",
    "--rate",
    "1000",
    "--duration",
    "8s",
];
/// By password, which is what a storm costs; of other users than those of the messages.
const LOGINS: [&str; 11] = [
    "logins",
    "--seed",
    "2",
    "--by",
    "password",
    "--connections",
    "1000",
    "--warm-up",
    "0s",
    "--duration",
    "10s",
];

/// How long 1,000 messages a second take while 1,000 users log in, each again as soon as they are done.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Sqlite)?;
    let (mut beside, mut without) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        let mut storm = Load::prepare(context.programs, &server.address, &LOGINS).await?;
        without.add(p99(context, &server.address, &MESSAGES).await?);
        let mut messages = Load::prepare(context.programs, &server.address, &MESSAGES).await?;
        storm.begin().await?;
        messages.begin().await?;
        let report = messages.report().await?;
        beside.add(report.latency("send_to_message")?.p99_us / 1_000.0);
        storm.report().await?;
    }
    let what =
        "p99 from send to delivered at 1,000 messages/s, SQLite, beside 1,000 users who log in by password";
    Ok(vec![Figure::compared(
        what,
        "ms",
        beside,
        without,
        Target::AtMost(2.0),
    )])
}
