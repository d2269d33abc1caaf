//! The bus and presence on Redis, for the nodes of a cluster.
//!
//! - [`RedisBus`] publishes what gathers for the same channel as one message, whatever the number of
//!   its receivers, and yields what is wanted of what comes. What is published while a node cannot listen is lost to it, so it is told of a gap.
//! - [`RedisPresence`] keeps a lease for each user and node, and tells each change to one caller.
//! - Both need Redis 7 or newer, or a Redis Cluster of that version, and persistence is not needed:
//!   a Redis that lost its data is filled again by the next renewals.
//! - Neither waits for Redis when it is made: a node starts while Redis is away, and connections
//!   come back by themselves, with longer and longer waits in between. A connection that stalls is
//!   found within three seconds.
//!
//! ```no_run
//! use chat_adapters::redis::{RedisBus, RedisOptions, RedisPresence};
//! use chat_core::ports::Bus;
//! use chat_core::types::NodeId;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let options = RedisOptions::parse("redis://localhost")?;
//! let (bus, presence) = (RedisBus::new(options.clone()), RedisPresence::new(options));
//! let subscription = bus.subscribe(&NodeId::parse("n1")?, 16_384).await?;
//! # drop(subscription);
//! bus.close().await;
//! presence.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Rights
//! An ACL user needs no more than these, with the prefix `chat`:
//! ```text
//! ~{chat:* &chat:* +@connection +publish +subscribe +unsubscribe +pubsub|channels +eval +evalsha
//! +hmget +hset +hdel +zadd +zrem +zcount +zmscore +zrangebyscore +pexpire
//! ```
//! and in a cluster also `+spublish +ssubscribe +sunsubscribe +pubsub|shardchannels +cluster|slots`, on
//! each server. `pubsub` is for a warning when nodes differ in their number of channels.
//!
//! What is counted is listed in [`METRICS`].

mod bus;
mod channels;
mod codec;
mod connect;
mod error;
mod inbox;
mod link;
mod meters;
mod options;
mod payload;
mod presence;
mod reader;
mod receiver;
mod scripts;
mod servers;
mod shards;
mod slots;
mod subscriber;
mod subscription;
mod tls;
mod url;
mod wishes;

pub use crate::endpoint::{Address, Tls};
pub use bus::RedisBus;
pub use meters::METRICS;
pub use options::{Deployment, RedisOptions};
pub use presence::RedisPresence;
pub use url::UrlError;
