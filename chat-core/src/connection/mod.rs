//! Connections: frames in, frames out, for any transport.

mod calls;
mod connection;
mod guard;
mod pending;

pub use connection::{Connection, ConnectionEnd, Next};
