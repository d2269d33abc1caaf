//! What every transport shares: a connection of the chat, moved over whatever cuts bytes into frames.

mod exchange;
mod outgoing;
mod parting;
mod wire;

pub(crate) use self::exchange::{Link, Traffic};
pub(crate) use self::outgoing::Outgoing;
pub(crate) use self::parting::part;
pub(crate) use self::wire::{Unreadable, Wire};

/// How many bytes are read at once. An unfinished frame and one such piece are all that waits for a
/// connection, as nothing is read before it wants more.
pub(crate) const READ_BYTES: usize = 16_384;
