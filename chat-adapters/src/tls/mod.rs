//! TLS in front of the transports: rustls with ring, without a provider for the whole process.
//!
//! [`Certificates`] are who the server is: a certificate and its key from two files, which can be replaced while
//! connections go on. A [`ServerTls`] shakes hands by them. [`tcp::Serve`](crate::tcp::Serve) takes one, and any other
//! socket of TCP can be handed to [`accept`](ServerTls::accept), for example before it is given to a server of HTTP.
//!
//! ```
//! # #[cfg(feature = "tcp")]
//! # async fn example(listener: tokio::net::TcpListener, chat: chat_core::Chat) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use chat_adapters::tcp::Serve;
//! use chat_adapters::tls::{Certificates, Identity, ServerTls};
//!
//! let certificates = Certificates::load(Identity {
//!     certificate: "/etc/chat/chain.pem".into(),
//!     key: "/etc/chat/key.pem".into(),
//! })?;
//! let tls = ServerTls::new(&certificates)?;
//! tokio::select! {
//!     served = Serve::new(listener, chat).tls(tls).until(std::future::pending()) => served?,
//!     never = certificates.follow(Duration::from_secs(10)) => match never {},
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Only TLS 1.2 and 1.3 are spoken, and no session is resumed: every connection is made by the certificate in use.
//! What is counted is listed in [`METRICS`].

mod certificates;
mod encrypted;
mod failure;
mod follow;
mod meters;
mod server;
#[cfg(test)]
mod tests;

pub use self::certificates::{Certificates, Reloaded};
pub use self::encrypted::Encrypted;
pub use self::meters::METRICS;
pub use self::server::ServerTls;
pub use crate::pem::{Identity, TlsError};
