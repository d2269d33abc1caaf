#![doc = include_str!("../README.md")]

mod chat;
mod chat_builder;
pub mod clock;
mod connection;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod faulty;
pub mod hooks;
mod host;
mod limits;
pub mod memory;
pub mod meters;
mod node;
mod operation;
pub mod ports;
pub mod protocol;
mod session;
mod spelled;
pub mod types;

pub use chat::{Chat, SessionOptions};
pub use chat_builder::ChatBuilder;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use connection::{Connection, ConnectionEnd, Next};
pub use error::{BackendError, BackendErrorKind, Error, ErrorCode, GoodbyeCode, chain};
pub use host::{Host, SessionInfo, SystemUser};
pub use limits::Limits;
pub use node::{RECORD_TARGET, REQUEST_TARGET};
pub use operation::{NamesInLog, NodeRole, NotReady, Readiness, Usage};
pub use session::{Events, HistoryPage, Session, SessionHandle};
