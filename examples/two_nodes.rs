//! Two nodes that meet on Redis: users on one talk to users on the other, and each sees who is online on either.
//!
//! `cargo run -p chat-examples --example two_nodes redis://localhost` runs it. Here both nodes are in one program and
//! share a file; on several machines they share a MySQL, by `chat_adapters::mysql`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chat_adapters::redis::{RedisBus, RedisOptions, RedisPresence};
use chat_adapters::sqlite::SqliteStore;
use chat_core::ports::{Backends, Stores};
use chat_core::protocol::{Event, OutgoingMessage, Recipient};
use chat_core::types::UserName;
use chat_core::{Chat, SessionOptions, memory};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("which Redis? Give its URL")?;
    tokio::runtime::Runtime::new()?.block_on(run(RedisOptions::parse(&url)?))
}

pub(crate) async fn run(options: RedisOptions) -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("chat-two-nodes-{}.db", std::process::id()));
    let store = Arc::new(SqliteStore::open(file.as_path()).await?);
    let node = || Chat::builder(backends(&store, &options)).start();
    let (one, other) = (node(), node());

    let alice = one.ensure_user(UserName::parse("alice")?).await?;
    let bob = one.ensure_user(UserName::parse("bob")?).await?;
    let alice = one.session(alice.id, SessionOptions::default()).await?;
    let mut bob = other.session(bob.id, SessionOptions::default()).await?;
    while one.host().online_count().await? < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let hello = OutgoingMessage::text(Recipient::User(bob.user().id), "hello from the other node")?;
    alice.send(hello).await?;
    while let Some(event) = bob.next_event().await {
        let Event::Message(message) = event else { continue };
        assert_eq!(message.from.name.as_str(), "alice");
        break;
    }
    one.shutdown().await;
    other.shutdown().await;
    store.close().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    Ok(())
}

/// What a node stands on: the store is shared, and each node has connections to Redis of its own.
fn backends(store: &Arc<SqliteStore>, options: &RedisOptions) -> Backends {
    Backends {
        stores: Stores::of(Arc::clone(store)),
        bus: Arc::new(RedisBus::new(options.clone())),
        presence: Arc::new(RedisPresence::new(options.clone())),
        ..memory::backends()
    }
}
