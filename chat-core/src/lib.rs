#![doc = include_str!("../README.md")]

mod chat;
pub mod clock;
mod connection;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod faulty;
mod limits;
pub mod memory;
mod node;
pub mod ports;
pub mod protocol;
mod session;
pub mod types;

pub use chat::{Chat, ChatBuilder, SessionOptions};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use connection::{Connection, ConnectionEnd, Next};
pub use error::{BackendError, BackendErrorKind, Error, ErrorCode, GoodbyeCode, chain};
pub use limits::Limits;
pub use session::{Events, Session, SessionHandle};
