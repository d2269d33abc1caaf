//! Every store port over RPC: [`RemoteStore`] on the side of the nodes, and [`Serve`], which offers any store, on
//! that of the backend services.

mod client;
mod conversion;
mod failure;
mod meters;
mod proto;
mod server;
mod tls;

pub use client::{Backends, BackendsUrl, ClientTls, Keepalive, RemoteOptions, RemoteStore, UrlError};
pub use meters::METRICS;
pub use server::{Serve, ServerTls};
pub use tls::{Identity, TlsError};

/// The longest message of the RPC, in bytes, where no other length is chosen. A node and its backends use the same.
pub const DEFAULT_MAX_MESSAGE: usize = 16 * 1_024 * 1_024;
