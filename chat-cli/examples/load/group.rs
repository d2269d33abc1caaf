//! One group, and as many messages as all its members can take.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Addresses, Client, Kind, LOGINS_AT_ONCE, Reader, Writer, in_order, users};

const SENDERS: usize = 3;
/// Messages that are on their way to members at once.
const WINDOW: usize = 32;
/// Lets senders go on as members receive.
struct Flow {
    window: Semaphore,
    delivered: AtomicU64,
    receivers: u64,
}

impl Flow {
    fn delivered(&self) {
        if (self.delivered.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.receivers) {
            self.window.add_permits(1);
        }
    }
}

pub(crate) async fn run(addresses: &Addresses, connections: usize, time: Duration) -> anyhow::Result<()> {
    let (group, clients) = members(addresses, connections).await?;
    // All but the one who sends.
    let receivers = u64::try_from(clients.len())?.saturating_sub(1).max(1);
    let flow = Arc::new(Flow {
        window: Semaphore::new(WINDOW),
        delivered: AtomicU64::new(0),
        receivers,
    });
    let start = crate::ready(clients.len()).await;
    let (mut senders, mut members) = (JoinSet::new(), JoinSet::new());
    // A connection whose writing half is dropped ends.
    let mut silent = Vec::new();
    for (number, client) in clients.into_iter().enumerate() {
        let sends = number < SENDERS;
        members.spawn(receive(client.reader, sends, Arc::clone(&flow)));
        if sends {
            let (to, flow) = (group.clone(), Arc::clone(&flow));
            senders.spawn(send(client.writer, to, start + time, flow));
        } else {
            silent.push(client.writer);
        }
    }
    crate::ended(time, async {
        tokio::select! {
            delivered = all_delivered(senders, &flow) => delivered,
            failed = members.join_next() => match failed.context("there are no members")?? {
                Err(error) => Err(error),
            },
        }
    })
    .await?;
    let taken = start.elapsed();
    let delivered = flow.delivered.load(Ordering::Relaxed);
    let rate = delivered as f64 / taken.as_secs_f64();
    let messages = delivered / receivers;
    println!("{messages} messages, {rate:.0} deliveries/s, all delivered");
    Ok(())
}

/// A group and its members, each on a new connection: those who are online are told of everybody who joins, so
/// nobody stays.
async fn members(addresses: &Addresses, count: usize) -> anyhow::Result<(Value, Vec<Client>)> {
    let mut joining = users(addresses, 0, count).await?;
    let creator = joining.first_mut().context("a group has members")?;
    let name = format!("load-{}", std::process::id());
    let create = json!({"type": "create_group", "name": name});
    creator.writer.send(&create).await?;
    let created = creator.reader.wait_for(Kind::GroupCreated).await?;
    let group = created
        .pointer("/group/id")
        .context("the answer has no group id")?;
    let mut tokens = Vec::with_capacity(count);
    for mut client in joining {
        client.join(group).await?;
        tokens.push(client.token);
    }
    let members = in_order(
        LOGINS_AT_ONCE,
        tokens.into_iter().enumerate(),
        |(number, token)| {
            let address = addresses.of(number);
            async move { Client::resume(&address, &token, "default").await }
        },
    );
    Ok((json!({ "group": group }), members.await?))
}

async fn send(mut writer: Writer, to: Value, until: Instant, flow: Arc<Flow>) -> anyhow::Result<Writer> {
    let mut number = 0_u64;
    loop {
        let permit = flow.window.acquire().await?;
        if Instant::now() >= until {
            return Ok(writer);
        }
        // It comes back with the last delivery of a message.
        permit.forget();
        writer.send_message(&to, &number.to_string()).await?;
        number += 1;
    }
}

/// Waits for the end of sending, and until every message that was sent has come to every other member.
async fn all_delivered(mut senders: JoinSet<anyhow::Result<Writer>>, flow: &Flow) -> anyhow::Result<()> {
    let mut open = Vec::new();
    while let Some(writer) = senders.join_next().await {
        open.push(writer??);
    }
    drop(flow.window.acquire_many(u32::try_from(WINDOW)?).await?);
    Ok(())
}

/// Receives until it is stopped. A member who sends too is not told of its own messages.
async fn receive(mut reader: Reader, sends: bool, flow: Arc<Flow>) -> anyhow::Result<Infallible> {
    let mut last = 0;
    loop {
        let frame = reader.next().await?;
        if frame.kind != Kind::Message {
            continue;
        }
        let follows = frame.seq == last + 1 || (sends && frame.seq > last);
        if !follows {
            bail!("expected the message after {last}, received {frame:?}");
        }
        last = frame.seq;
        flow.delivered();
    }
}
