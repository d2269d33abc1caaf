//! Every store port over RPC: [`RemoteStore`] on the side of the nodes, and [`Serve`], which offers any store, on
//! that of the backend services.
//!
//! - `proto/backend.proto` describes the calls, what they promise, and how versions of both sides get on.
//! - A batch is one call. A failure keeps its kind over the wire: *not done*, *may have happened* or *broken*.
//! - Nodes find backends by a [`Registry`](chat_core::ports::Registry), spread their calls over those that serve, and
//!   repeat once on another what can be repeated. No call takes longer than its time-out.
//! - Both sides may ask for TLS with a certificate of the other.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use chat_adapters::grpc::{RemoteOptions, RemoteStore, Serve};
//! use chat_core::memory::{MemoryStore, StaticRegistry};
//! use chat_core::ports::{NewUser, Peer, Stores, UserStore};
//! use chat_core::types::{NodeId, UserName};
//! use tokio::net::TcpListener;
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A backend service over a store in memory.
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let backend = Peer { node: NodeId::parse("backend-1")?, address: listener.local_addr()?.to_string() };
//! let stop = CancellationToken::new();
//! let stores = Stores::of(Arc::new(MemoryStore::default()));
//! let serving = Serve::new(listener, stores).until(stop.cancelled());
//!
//! // A node that uses it as its store.
//! let using = async {
//!     let registry = Arc::new(StaticRegistry::new([backend]));
//!     let store = RemoteStore::new(registry, RemoteOptions::default())?;
//!     store.ready(Duration::from_secs(5)).await?;
//!     let alice = NewUser { id: None, name: UserName::parse("alice")?, password: None };
//!     println!("{:?}", store.create_user(&alice).await?);
//!     store.close().await;
//!     stop.cancel();
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! };
//!
//! let (served, used) = tokio::join!(serving, using);
//! served?;
//! used
//! # }
//! ```
//!
//! What is counted is listed in [`METRICS`].

mod class;
mod client;
mod conversion;
mod failure;
mod meters;
mod methods;
mod paced;
mod proto;
mod server;

pub use client::{Backends, BackendsUrl, ClientTls, Keepalive, RemoteOptions, RemoteStore, UrlError};
pub use meters::METRICS;
pub use server::{Serve, ServerTls};

pub use crate::pem::{Identity, TlsError};

/// The longest message of the RPC, in bytes, where no other length is chosen. A node and its backends use the same.
pub const DEFAULT_MAX_MESSAGE: usize = 16 * 1_024 * 1_024;
