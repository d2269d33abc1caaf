//! Connections: frames in, frames out, for any transport.

mod asked;
mod calls;
mod frames;
mod guard;
mod pending;
mod requests;

pub use frames::{Connection, ConnectionEnd, Next};
