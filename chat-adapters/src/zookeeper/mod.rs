//! Which backends are alive, in ZooKeeper.
//!
//! - A backend announces itself by an ephemeral node in a folder of ZooKeeper, which goes when the backend withdraws it, or by
//!   itself when ZooKeeper has heard nothing of the backend for the session's time-out.
//! - The node is named like the backend, and holds JSON: `{"node":"b-1","address":"10.0.0.7:6100","announcer":"…"}`. Fields
//!   that a version does not know are passed over, and so is what is no announcement.
//! - A name that is announced again gets the new address, also where a process of that name was killed and its session goes on:
//!   the node is replaced in one transaction. Two living processes of one name disturb each other no further: the later one stays,
//!   and the earlier comes back when that one goes.
//! - While ZooKeeper is away the last known backends stay known. Afterwards everything comes back by itself: connections,
//!   with longer and longer waits in between, a session in place of one that has expired, the announcements, and the watch.
//!   What has changed meanwhile is seen, since the whole folder is listed after each connection and each event.
//!
//! ```no_run
//! use chat_adapters::zookeeper::{ZooKeeperOptions, ZooKeeperRegistry};
//! use chat_core::ports::{Peer, Registry};
//! use chat_core::types::NodeId;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let options = ZooKeeperOptions::parse("zookeeper://localhost:2181/chat")?;
//! let registry = ZooKeeperRegistry::new(options);
//! let peer = Peer { node: NodeId::parse("b-1")?, address: "10.0.0.7:6100".to_owned() };
//! let announcement = registry.announce(&peer).await?;
//! assert!(registry.changed(&[]).await?.contains(&peer));
//! announcement.withdraw().await?;
//! registry.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Rights
//! ZooKeeper 3.6 or newer is needed. Who only looks needs `READ` on the folder; who announces needs `CREATE` and `DELETE` as well, and
//! `CREATE` on the folder above where the folder is missing. With a user the folder and what is in it are made so that everybody may read
//! and this user may do everything; an existing folder is left as it is. All of this is sent in the clear.
//!
//! # Bounds
//! One task keeps everything, and owns the one in which the client drives its connection: both end with the registry. At most one
//! request is under way, each has a time-out, and none is made while there is no connection. What the client queues it does not
//! bound: the events of the folder wait there while a request is answered, for a call's time-out at most. Its sockets are
//! driven by a thread of the crate `async-io` that all its users in the process share, and that stays.
//!
//! What is counted is listed in [`METRICS`].

mod client_task;
mod entry;
mod error;
mod keeper;
mod meters;
mod options;
mod plan;
mod registry;
mod session;
mod tidings;
mod url;
mod wanted;

pub use crate::endpoint::Address;
pub use meters::METRICS;
pub use options::{Digest, ZooKeeperOptions};
pub use registry::ZooKeeperRegistry;
pub use url::UrlError;
