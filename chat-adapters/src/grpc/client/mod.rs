//! The side of the nodes.

mod board;
mod call;
mod choice;
mod codec;
mod connector;
mod devices;
mod follower;
mod friends;
mod groups;
mod load;
mod messages;
mod meters;
mod options;
mod store;
mod tokens;
mod trace;
mod url;
mod users;
mod watcher;

use std::time::Duration;

pub(super) use meters::{BACKENDS, CALL_SECONDS, CALLS, CONNECTIONS_LOST, RETRIES};
pub use options::{ClientTls, Keepalive, RemoteOptions};
pub use store::RemoteStore;
pub use url::{Backends, BackendsUrl, UrlError};

/// When a backend, or the registry, is tried again: the first wait, and the longest one after many failures.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
