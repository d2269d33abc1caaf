//! Users who log in, and leave when they are synced.

use serde_json::json;

use super::args::LoginsArguments;
use super::context::Bench;
use super::report::Report;
use crate::cli::Failure;

pub(super) async fn run(bench: &Bench, arguments: &LoginsArguments) -> Result<Report, Failure> {
    let connections = arguments.connections as usize;
    let users = arguments.users.map_or(connections, |users| users as usize);
    let accounts = bench.accounts(users, connections).await?;
    let seats = bench.seats(&accounts, connections);
    let rounds = bench.rounds(arguments.rate, arguments.time)?;
    bench.ready().await?;
    let logins = rounds.repeat(&seats, async |seat| seat.enter(arguments.by).await.map(drop));
    bench
        .progress
        .during("logins", arguments.time.total(), logins)
        .await?;
    let by = format!("{:?}", arguments.by).to_lowercase();
    let settings = json!({
        "servers": bench.servers.list(), "connections": connections, "users": users, "by": by, "rate": arguments.rate,
    });
    let mut report = Report::new("logins", settings, arguments.time.duration.as_secs_f64());
    rounds.report(&mut report, "logins", "connect_to_synced")?;
    Ok(report)
}
