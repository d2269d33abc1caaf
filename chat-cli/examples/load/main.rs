//! A small load on running servers: `load sends|latency|group|visits|idle ADDRESSES CONNECTIONS AMOUNT`.
//!
//! ADDRESSES is one address, or several with commas between them, which connections take in turn.
//!
//! - `sends`: each connection keeps 10 direct messages in flight for AMOUNT seconds, to the user of the
//!   next connection; measures acknowledged sends a second.
//! - `latency`: AMOUNT messages a second over all pairs for 10 seconds, at fixed times; with several
//!   addresses the two of a pair are on different ones. Measures the time from when a message should have been
//!   sent to its delivery.
//! - `group`: CONNECTIONS members of one group; three of them send for AMOUNT seconds, as fast as all
//!   receive. Measures deliveries a second.
//! - `visits`: CONNECTIONS users, each of whom logs in and goes ten times a second, for AMOUNT seconds. Measures
//!   sessions a second.
//! - `idle`: logs CONNECTIONS connections in, then stays silent for AMOUNT seconds.
//!
//! Prints `ready` when all are logged in, then waits a moment, and prints one line with what it
//! measured. It fails where a message was lost, repeated or out of order.

mod client;
mod group;
mod idle;
mod latency;
mod sends;
mod visits;

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, timeout};

use client::Addresses;

/// From `ready` to the first message: whoever watches counters reads them meanwhile.
const PAUSE: Duration = Duration::from_secs(1);
/// How long everything may take beyond the time of sending.
const GRACE: Duration = Duration::from_secs(120);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, addresses, connections, amount] = arguments.as_slice() else {
        bail!("usage: load sends|latency|group|visits|idle ADDRESSES CONNECTIONS AMOUNT");
    };
    let addresses = Addresses::parse(addresses);
    let (connections, amount) = (connections.parse()?, amount.parse()?);
    let seconds = Duration::from_secs(amount);
    match mode.as_str() {
        "sends" => sends::run(&addresses, connections, seconds).await,
        "latency" => latency::run(&addresses, connections, amount).await,
        "group" => group::run(&addresses, connections, seconds).await,
        "visits" => visits::run(&addresses, connections, seconds).await,
        "idle" => idle::run(&addresses, connections, seconds).await,
        _ => bail!("the mode is one of sends, latency, group, visits and idle"),
    }
}

/// Tells that all are logged in; answers when to begin.
async fn ready(connections: usize) -> Instant {
    println!("ready: {connections} connections");
    tokio::time::sleep(PAUSE).await;
    Instant::now()
}

/// Waits for a load's end, which does not come where a message is lost.
async fn ended<T>(time: Duration, load: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(time + GRACE, load)
        .await
        .context("some messages were not answered or not delivered")?
}
