//! JSON lines over TCP: one frame a line, any number of lines a packet.
//!
//! [`serve`] takes a listener and a shutdown future from its caller and owns every connection
//! until the last has ended. An idle connection costs one task and no buffer. [`Serve`] is the same
//! with options: the PROXY protocol of load balancers, TCP keepalive, and, with the feature `tls`, TLS.

mod connections;
#[cfg(feature = "tls")]
mod encrypted;
mod introduction;
mod keepalive;
mod lines;
mod meters;
mod proxy_header;
mod refusal;
mod serve;

pub use ipnet::IpNet;

pub use self::keepalive::Keepalive;
pub use self::meters::METRICS;
pub use self::serve::{Serve, serve};
