//! The bus and presence on Redis, for the nodes of a cluster.
//!
//! - [`RedisBus`] publishes each notice once, whatever the number of its receivers. What is
//!   published while a node cannot listen is lost to it, so it is told of a gap.
//! - [`RedisPresence`] keeps a lease for each user and node, and tells each change to one caller.
//! - Both need Redis 7 or newer, or a Redis Cluster of that version, and persistence is not needed:
//!   a Redis that lost its data is filled again by the next renewals.
//! - Neither waits for Redis when it is made: a node starts while Redis is away, and connections
//!   come back by themselves, with longer and longer waits in between.

mod bus;
mod codec;
mod connect;
mod error;
mod inbox;
mod link;
mod options;
mod presence;
mod reader;
mod receiver;
mod retry;
mod scripts;
mod servers;
mod shards;
mod slots;
mod subscriber;
mod subscription;
mod tls;
mod url;

pub use bus::RedisBus;
pub use options::{Address, Deployment, RedisOptions, Tls};
pub use presence::RedisPresence;
pub use url::UrlError;
