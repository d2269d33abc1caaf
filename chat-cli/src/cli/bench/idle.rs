//! Users who are logged in and say nothing.

use std::time::{Duration, Instant};

use chat_client::Error;
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::sleep;

use super::args::IdleArguments;
use super::context::Bench;
use super::report::Report;
use super::seat::Bystander;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

pub(super) async fn run(bench: &Bench, arguments: &IdleArguments) -> Result<Report, Failure> {
    let crowd = arguments.crowd;
    let connections = crowd.connections as usize;
    let accounts = bench.accounts(crowd.users(), connections).await?;
    let begun = Instant::now();
    let sessions = bench.sessions(&bench.seats(&accounts, connections)).await?;
    let prepared = begun.elapsed();
    bench.ready().await?;
    let stay = stay(sessions, arguments.duration);
    bench.progress.during("idle", arguments.duration, stay).await?;
    let settings = json!({
        "servers": bench.servers.list(), "connections": connections, "users": accounts.len(),
    });
    let mut report = Report::new("idle", settings, arguments.duration.as_secs_f64());
    report.count("connections", connections as u64);
    let per_second = connections as f64 / prepared.as_secs_f64().max(1e-9);
    report.rates.insert("logins_per_second".to_owned(), per_second);
    Ok(report)
}

/// Keeps sessions for a time; fails where one ends before.
pub(super) async fn stay(sessions: Vec<(Incoming, Outgoing)>, time: Duration) -> Result<(), Error> {
    let staying = sessions
        .into_iter()
        .map(async |(mut incoming, outgoing)| incoming.run(&outgoing, &mut Bystander).await.map(drop));
    tokio::select! {
        ended = try_join_all(staying) => ended.map(drop),
        () = sleep(time) => Ok(()),
    }
}
