//! JSON lines over TCP: one frame a line, any number of lines a packet.
//!
//! [`serve`] takes a listener and a shutdown future from its caller and owns every connection
//! until the last has ended. An idle connection costs one task and no buffer.

mod acceptor;
mod link;
mod outgoing;
mod serve;

pub use serve::serve;
