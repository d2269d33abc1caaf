#![doc = include_str!("../README.md")]

pub mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
pub mod faulty;
mod limits;
pub mod memory;
pub mod ports;
pub mod protocol;
pub mod types;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{BackendError, BackendErrorKind, Error, ErrorCode, GoodbyeCode, chain};
pub use limits::Limits;
