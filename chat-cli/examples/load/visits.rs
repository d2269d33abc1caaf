//! Users who come and go.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::client::{Addresses, Client, users};

/// The time from one visit of a user to the next.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn run(addresses: &Addresses, connections: usize, time: Duration) -> anyhow::Result<()> {
    let clients = users(addresses, 0, connections).await?;
    let tokens: Vec<Value> = clients.into_iter().map(|client| client.token).collect();
    let start = crate::ready(tokens.len()).await;
    let mut tasks = JoinSet::new();
    for (number, token) in tokens.into_iter().enumerate() {
        tasks.spawn(visit(addresses.of(number), token, start + time));
    }
    let mut visits = 0;
    crate::ended(time, async {
        while let Some(count) = tasks.join_next().await {
            visits += count??;
        }
        Ok(())
    })
    .await?;
    println!(
        "{visits} sessions, {:.0} sessions/s",
        visits as f64 / time.as_secs_f64()
    );
    Ok(())
}

/// Answers how often.
async fn visit(address: String, token: Value, until: Instant) -> anyhow::Result<u64> {
    let mut visits = 0;
    let mut due = interval_at(Instant::now(), PAUSE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        due.tick().await;
        Client::resume(&address, &token, "visitor").await?;
        visits += 1;
    }
    Ok(visits)
}
