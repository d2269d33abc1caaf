//! As many direct messages as get acknowledged, each connection to the next one's user.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Addresses, Client, Kind, users};

const WINDOW: u64 = 10;
/// The id of each one's last message.
const LAST: &str = "last";

pub(crate) async fn run(addresses: &Addresses, connections: usize, time: Duration) -> anyhow::Result<()> {
    // A single sender needs somebody to write to.
    let clients = users(addresses, 0, connections.max(2)).await?;
    let receivers: Vec<u64> = clients.iter().map(|client| client.user).collect();
    let start = crate::ready(clients.len()).await;
    let mut tasks = JoinSet::new();
    for (number, (client, &to)) in clients
        .into_iter()
        .zip(receivers.iter().cycle().skip(1))
        .enumerate()
    {
        let until = if number < connections { start + time } else { start };
        tasks.spawn(send_and_receive(client, json!({ "user": to }), until));
    }
    let (mut in_time, mut all) = (0, 0);
    crate::ended(time, async {
        while let Some(counts) = tasks.join_next().await {
            let (acknowledged, sent) = counts??;
            in_time += acknowledged;
            all += sent;
        }
        Ok(())
    })
    .await?;
    let rate = in_time as f64 / time.as_secs_f64();
    println!("{all} messages, {rate:.0} sends/s acknowledged, all delivered");
    Ok(())
}

/// Sends until then, and ends when everything is acknowledged and everything from the other side is here. Answers
/// how many were acknowledged in time, and how many in all.
async fn send_and_receive(mut client: Client, to: Value, until: Instant) -> anyhow::Result<(u64, u64)> {
    let (mut sent, mut acknowledged, mut in_time, mut received) = (0, 0, 0, 0);
    let (mut last_sent, mut last_received) = (false, false);
    loop {
        while !last_sent && sent < acknowledged + WINDOW {
            last_sent = Instant::now() >= until;
            let id = if last_sent {
                LAST.to_owned()
            } else {
                sent.to_string()
            };
            client.writer.send_message(&to, &id).await?;
            sent += 1;
        }
        if last_sent && last_received && acknowledged == sent {
            return Ok((in_time, sent));
        }
        let frame = client.reader.next().await?;
        match frame.kind {
            Kind::Sent => {
                acknowledged += 1;
                in_time += u64::from(!last_sent && Instant::now() < until);
            }
            Kind::Message if frame.id == LAST && !last_received => last_received = true,
            Kind::Message if frame.id == received.to_string() && !last_received => received += 1,
            Kind::Message => bail!("expected message {received}, received {frame:?}"),
            _ => {}
        }
    }
}
