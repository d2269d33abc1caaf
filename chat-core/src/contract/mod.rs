//! The contract of every port as cases that any implementation can run.
//!
//! An adapter writes a [`Fixture`] and gets a list of [`Trial`]s, which any test harness can run:
//!
//! ```
//! use std::sync::Arc;
//!
//! use chat_core::contract::{self, Shared};
//! use chat_core::memory::MemoryPresence;
//! use chat_core::ports::Presence;
//!
//! // One in this process, of which every handle is a clone; what lives elsewhere has a `Fixture` of its own.
//! let in_memory = || Shared::new(Arc::<MemoryPresence>::default() as Arc<dyn Presence>);
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! for trial in contract::presence("memory", in_memory) {
//!     let name = trial.name().to_owned();
//!     assert!(trial.run().await.is_ok(), "{name}");
//! }
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Set `CHAT_REQUIRE=mysql,redis` to make a missing backend of these names a failure, where it
//! otherwise is [`Outcome::Ignored`].

mod bus;
mod check;
mod devices;
mod friends;
mod groups;
pub mod history;
mod log;
mod messages;
mod presence;
mod registry;
mod runner;
mod scene;
mod shared;
mod suites;
mod tokens;
mod users;

pub use check::Failure;
pub use log::ReadableLog;
pub use runner::{Capabilities, Fixture, Outcome, Trial};
pub use shared::Shared;
pub use suites::{bus, event_log, presence, registry, stores};
