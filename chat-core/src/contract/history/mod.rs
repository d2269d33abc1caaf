//! What clients saw of a chat, and whether it is what the protocol promises them.
//!
//! A test, a crash run or a load run writes down what its clients saw, in the order in which it
//! saw it, and asks for the violations:
//!
//! ```
//! use chat_core::contract::history::{History, Record, Violation};
//! use chat_core::types::{ConversationId, Device, MessageId, Seq, UserId};
//!
//! let (alice, bob) = (UserId::new(1)?, UserId::new(2)?);
//! let conversation = ConversationId::direct(alice, bob);
//! let mut history = History::default();
//! history.push(Record::Opened { session: 1, user: alice, device: Device::default() });
//! history.push(Record::Opened { session: 2, user: bob, device: Device::default() });
//! let (seq, id) = (Seq::new(1)?, MessageId::parse("m-1")?);
//! history.push(Record::Sent { session: 1, conversation, seq, id, duplicate: false });
//! history.push(Record::ReadToEnd { session: 2 });
//! assert_eq!(history.violations(), [Violation::Lost { session: 2, conversation, seq }]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod delivery;
mod gather;
mod memberships;
mod messages;
mod record;
mod sends;
#[cfg(test)]
mod tests;
mod violation;

pub use record::{History, Record};
pub use violation::Violation;
