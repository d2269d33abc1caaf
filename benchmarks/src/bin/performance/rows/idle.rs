//! 10,000 connections that are idle after a busy day.

use std::iter;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Context;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::processes::{busy, memory};
use crate::samples::Samples;
use crate::server::{Server, Store};
use crate::wire::{Client, Frame};

const CONNECTIONS: f64 = 10_000.0;
/// A hundred devices of a hundred users, who are the first ones of a new server.
const IDLE: &str = "idle --connections 10000 --duration 1h";
const USERS: u64 = 100;
/// Messages that each connection gets before it is idle: what a busy day brings.
const MESSAGES: u64 = 200;
/// Sends that wait for their reply at once.
const WINDOW: u64 = 50;
/// Everything is delivered and acknowledged, and what was freed is given back to the system, by then.
const SETTLING: Duration = Duration::from_secs(15);
/// Long enough for what the server does every few seconds.
const WATCHED: Duration = Duration::from_secs(20);

/// The memory of a connection, and the processor time of all of them. One run tells: nothing else happens.
pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let resident = || memory(iter::once(server.id()));
    let processor = || busy(iter::once(server.id()));
    let empty = resident()?;
    let mut load = Load::prepare(context.programs, &server.address, IDLE).await?;
    load.begin().await?;
    let unused = resident()? - empty;
    busy_day(&server.address).await?;
    sleep(SETTLING).await;
    let (before, begun) = (processor()?, Instant::now());
    sleep(WATCHED).await;
    let share = (processor()? - before) / begun.elapsed().as_secs_f64() * 100.0;
    let used = resident()? - empty;
    anyhow::ensure!(
        !load.has_ended()?,
        "a connection did not stay: {:?}",
        load.report().await.err()
    );
    let memory = |what: &str, megabytes: f64, target| {
        let what =
            format!("resident memory of an idle connection, 10,000 logged in, {what}, over the empty server");
        Figure::alone(&what, "KiB", one(megabytes * 1e6 / 1_024.0 / CONNECTIONS), target)
    };
    Ok(vec![
        memory("after 200 messages to each", used, Target::AtMost(6.0)),
        memory("which never got one", unused, Target::Reported),
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

/// Somebody writes to everybody, whose devices all get it.
async fn busy_day(address: &str) -> anyhow::Result<()> {
    let (name, password) = ("everybody's friend", "a load has no secrets");
    let mut client = Client::connect(address).await?;
    client
        .send(&json!({"type": "register", "name": name, "password": password}))
        .await?;
    client
        .send(&json!({"type": "login", "name": name, "password": password}))
        .await?;
    while !matches!(client.next().await?, Frame::Synced) {}
    let mut under_way = 0;
    for number in 0..USERS * MESSAGES {
        let to = number % USERS + 1;
        client.send(&message(to)).await?;
        under_way += 1;
        while under_way >= WINDOW {
            under_way -= u64::from(matches!(client.next().await?, Frame::Sent));
        }
    }
    while under_way > 0 {
        under_way -= u64::from(matches!(client.next().await?, Frame::Sent));
    }
    Ok(())
}

fn message(to: u64) -> Value {
    json!({"type": "send", "to": {"user": to}, "body": "x".repeat(100)})
}
