//! Connections that say nothing.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Addresses, Client};

/// As many as a user may have.
const DEVICES: usize = 100;

/// A hundred devices of one user each.
pub(crate) async fn run(addresses: &Addresses, connections: usize, time: Duration) -> anyhow::Result<()> {
    let run = std::process::id();
    let mut open = Vec::new();
    let mut token = Value::Null;
    for number in 0..connections {
        let address = addresses.of(number);
        let device = number % DEVICES;
        let client = if device == 0 {
            Client::register(&address, &format!("idle-{run}-{number}")).await?
        } else {
            Client::resume(&address, &token, &format!("device-{device}")).await?
        };
        token.clone_from(&client.token);
        open.push(client);
    }
    crate::ready(open.len()).await;
    println!("{} connections are idle", open.len());
    tokio::time::sleep(time).await;
    Ok(())
}
