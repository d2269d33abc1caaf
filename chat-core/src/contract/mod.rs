//! The contract of every port as cases that any implementation can run.
//!
//! An adapter writes a [`Fixture`] and gets a list of [`Trial`]s, which any test harness can run:
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use chat_core::BackendError;
//! use chat_core::contract::{self, Capabilities, Fixture, Outcome};
//! use chat_core::memory::MemoryPresence;
//! use chat_core::ports::Presence;
//!
//! #[derive(Default)]
//! struct InMemory(Arc<MemoryPresence>);
//!
//! #[async_trait]
//! impl Fixture for InMemory {
//!     type Port = Arc<dyn Presence>;
//!     async fn open(&self) -> Result<Self::Port, BackendError> {
//!         Ok(Arc::clone(&self.0) as _)
//!     }
//!     async fn close(&self) {}
//!     fn unavailable(&self) -> Option<String> {
//!         None
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::default()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! for trial in contract::presence("memory", InMemory::default) {
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
mod suites;
mod tokens;
mod users;

pub use check::Failure;
pub use log::ReadableLog;
pub use runner::{Capabilities, Fixture, Outcome, Trial};
pub use suites::{bus, event_log, presence, registry, stores};
