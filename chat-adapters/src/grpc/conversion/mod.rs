//! The values of the ports as messages of `proto/backend.proto`, and back; one file a port.
//!
//! Requests are the arguments of their call, as a tuple in the order of the port's method; answers are what the
//! method answers. So both sides write `value.to_wire()` and `Wire::from_wire(message)?`, whatever the call.

mod devices;
mod friends;
mod groups;
mod messages;
mod tokens;
mod users;
mod values;
mod wire;

#[cfg(test)]
mod tests;

pub(super) use self::wire::{Invalid, Wire};
