//! The chat over WebSocket: one frame a text message, behind any router of [`axum`].
//!
//! An [`Endpoint`] answers the requests of one path. It checks who asks, agrees on the sub-protocol
//! [`PROTOCOL`], and owns every connection that it took until that has ended. What comes after the
//! handshake is the same as by TCP.
//!
//! ```
//! # async fn example(listener: tokio::net::TcpListener, chat: chat_core::Chat) -> std::io::Result<()> {
//! use std::net::SocketAddr;
//!
//! use chat_adapters::websocket::Endpoint;
//!
//! let endpoint = Endpoint::new(chat).allow_origins(["https://chat.example.com".parse().expect("an origin")]);
//! let app = axum::Router::new().route("/ws", endpoint.route());
//! // With the clients' addresses, by which connections and failed logins are limited.
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! # }
//! ```
//!
//! At the end call [`Chat::drain`](chat_core::Chat::drain), which ends the connections, and wait
//! until they are [`closed`](Endpoint::closed).

mod endpoint;
mod forwarded;
mod handshake;
mod links;
mod messages;
mod meters;
mod origin;
mod pulse;
mod wire;

pub use ipnet::IpNet;

pub use self::endpoint::Endpoint;
pub use self::handshake::PROTOCOL;
pub use self::meters::METRICS;
pub use self::origin::{InvalidOrigin, Origin};
pub use self::pulse::Heartbeat;
