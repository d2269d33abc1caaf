//! The side of the nodes.

mod options;
mod url;

pub use options::{ClientTls, Keepalive, RemoteOptions};
pub use url::{Backends, BackendsUrl, UrlError};
