//! Every port in memory: the default of an embedded chat, and the reference of the contract suite.
//!
//! Nothing here survives the process. [`backends`] is all that a first program needs:
//!
//! ```
//! let backends = chat_core::memory::backends();
//! let other_node = backends.clone(); // shares the same store, bus, presence and log
//! # let _ = other_node;
//! ```

mod bundle;
mod bus;
mod changes;
mod device_rows;
mod devices;
mod friends;
mod groups;
mod json_lines;
mod log;
mod message_rows;
mod messages;
mod presence;
mod registry;
mod store;
mod tee;
mod tokens;
mod users;

pub use bundle::{MemoryBackends, backends};
pub use bus::MemoryBus;
pub use json_lines::JsonLinesLog;
pub use log::MemoryLog;
pub use presence::MemoryPresence;
pub use registry::StaticRegistry;
pub use store::MemoryStore;
pub use tee::TeeLog;
