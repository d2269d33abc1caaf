//! What users do in a day, one thing after the other and without the pauses.

mod client;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio::task::JoinSet;

pub(crate) use stored::Stored;

use client::{Acks, Client};
use stored::name;

/// Other users to whom each user writes.
const PEERS: usize = 4;
/// Messages that are written without waiting for the answers.
const BURST: usize = 8;
/// Users who are busy at the same time.
const AT_ONCE: usize = 256;
/// After so long without a frame nothing more is expected.
const QUIET: Duration = Duration::from_millis(500);

/// Logs everybody in.
pub(crate) async fn begin(address: &str, stored: &Stored) -> anyhow::Result<Vec<Client>> {
    let count = stored.users.len();
    log_in(address, (0..count).collect()).await
}

/// Lets everybody have their day; every second one leaves once, comes back and finds what they missed.
pub(crate) async fn spend(
    address: &str,
    stored: &Arc<Stored>,
    clients: Vec<Client>,
) -> anyhow::Result<Vec<Client>> {
    let clients = active(clients, stored, 0).await?;
    let (staying, leaving): (Vec<_>, Vec<_>) =
        (0..).zip(clients).partition(|(number, _)| is_staying(*number));
    let gone: Vec<_> = leaving.into_iter().map(|(number, _)| number).collect();
    let shared = Arc::clone(stored);
    let write_to_gone = move |number, mut client: Client| {
        let stored = Arc::clone(&shared);
        async move {
            write(&mut client, &stored, number, number + 1, 3).await?;
            write_to_groups(&mut client, &stored, number).await?;
            client.acknowledge().await?;
            Ok(client)
        }
    };
    let stayed = each(AT_ONCE, write_to_gone, staying).await?;
    let back = log_in(address, gone).await?;

    let mut back = back.into_iter();
    let clients = stayed.into_iter().flat_map(|client| [Some(client), back.next()]);
    active(clients.flatten().collect(), stored, 1).await
}

const fn is_staying(number: usize) -> bool {
    number.is_multiple_of(2)
}

async fn log_in(address: &str, numbers: Vec<usize>) -> anyhow::Result<Vec<Client>> {
    let address: Arc<str> = address.into();
    let log_in = |number, ()| {
        let address = Arc::clone(&address);
        async move { Client::log_in(&address, number, acks(number)).await }
    };
    each(AT_ONCE, log_in, numbers.into_iter().map(|number| (number, ()))).await
}

fn acks(number: usize) -> Acks {
    if number.is_multiple_of(4) {
        Acks::Server
    } else {
        Acks::Client
    }
}

/// Everybody writes, reads back and asks for what there is to ask for.
async fn active(clients: Vec<Client>, stored: &Arc<Stored>, time: usize) -> anyhow::Result<Vec<Client>> {
    let shared = Arc::clone(stored);
    let busy = move |number, mut client: Client| {
        let stored = Arc::clone(&shared);
        async move {
            act(&mut client, &stored, number, time).await?;
            Ok(client)
        }
    };
    let clients = each(AT_ONCE, busy, (0..).zip(clients)).await?;
    let quiet = |_, mut client: Client| async move {
        client.until_quiet(QUIET).await?;
        Ok(client)
    };
    each(usize::MAX, quiet, (0..).zip(clients)).await
}

async fn act(client: &mut Client, stored: &Stored, number: usize, time: usize) -> anyhow::Result<()> {
    let count = stored.users.len();
    for peer in 0..PEERS {
        let other = number + 1 + 97 * (peer + PEERS * time);
        write(client, stored, number, other, 2).await?;
    }
    write_to_groups(client, stored, number).await?;
    for _ in 0..BURST {
        let to = stored.users.get((number + 1) % count).context("no such user")?;
        client.begin(message(&json!({ "user": to }))).await?;
    }
    client.ask(json!({"type": "ping"})).await?;
    client.acknowledge().await?;
    let group = stored
        .groups
        .get(number)
        .and_then(|groups| groups.first())
        .context("no group")?;
    for request in [
        json!({"type": "history", "conversation": format!("g:{group}"), "limit": 50}),
        json!({"type": "conversations", "limit": 20}),
        json!({"type": "friends"}),
        json!({"type": "groups"}),
        json!({"type": "members", "group": group}),
        json!({"type": "find_user", "name": name((number + 5) % count)}),
        message(&json!({"user": 9_000_000_000_u64})),
    ] {
        client.ask(request).await?;
    }
    client.acknowledge().await
}

async fn write(
    client: &mut Client,
    stored: &Stored,
    number: usize,
    other: usize,
    messages: usize,
) -> anyhow::Result<()> {
    let other = if other % stored.users.len() == number {
        number + 1
    } else {
        other
    };
    let to = stored
        .users
        .get(other % stored.users.len())
        .context("no such user")?;
    for _ in 0..messages {
        client.ask(message(&json!({ "user": to }))).await?;
    }
    Ok(())
}

async fn write_to_groups(client: &mut Client, stored: &Stored, number: usize) -> anyhow::Result<()> {
    for group in stored.groups.get(number).into_iter().flatten() {
        client.ask(message(&json!({ "group": group }))).await?;
    }
    Ok(())
}

/// A text of a hundred bytes.
fn message(to: &serde_json::Value) -> serde_json::Value {
    json!({"type": "send", "to": to, "body": "x".repeat(100)})
}

/// Does the same with each of numbered items, so many at once, and answers in the order of the numbers.
async fn each<I, T, F>(
    at_once: usize,
    work: impl Fn(usize, I) -> F,
    items: impl IntoIterator<Item = (usize, I)>,
) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let mut done = Vec::new();
    let mut tasks = JoinSet::new();
    for (number, item) in items {
        if tasks.len() >= at_once {
            done.extend(tasks.join_next().await.transpose()?.transpose()?);
        }
        let work = work(number, item);
        tasks.spawn(async move { anyhow::Ok((number, work.await?)) });
    }
    while let Some(result) = tasks.join_next().await {
        done.push(result??);
    }
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
