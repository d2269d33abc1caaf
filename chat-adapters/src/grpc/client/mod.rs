//! The side of the nodes.

mod backoff;
mod board;
mod call;
mod choice;
mod class;
mod codec;
mod connector;
mod devices;
mod follower;
mod friends;
mod groups;
mod load;
mod messages;
mod meters;
mod methods;
mod options;
mod store;
mod tokens;
mod trace;
mod url;
mod users;
mod watcher;

pub(super) use meters::{BACKENDS, CALL_SECONDS, CALLS, CONNECTIONS_LOST, RETRIES};
pub use options::{ClientTls, Keepalive, RemoteOptions};
pub use store::RemoteStore;
pub use url::{Backends, BackendsUrl, UrlError};
