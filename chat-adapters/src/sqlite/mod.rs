//! Every store port on one SQLite file: the embedded default.
//!
//! - The file is in WAL mode with `synchronous=FULL`: what a call has answered survives a crash of
//!   the process and of the machine.
//! - One connection writes, in `BEGIN IMMEDIATE` transactions, and a few others read. A file can be
//!   opened more than once and by several processes; their writers wait for each other.
//! - The schema and the reasons for it are in `sql/sqlite` and `sql/README.md`.
//!
//! ```
//! use chat_adapters::sqlite::SqliteStore;
//! use chat_core::ports::{NewUser, UserStore};
//! use chat_core::types::UserName;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("chat.db");
//! let store = SqliteStore::open(path).await?;
//! let name = UserName::parse("alice")?;
//! let outcome = store.create_user(&NewUser { id: None, name, password: None }).await?;
//! println!("{outcome:?}");
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod append;
mod cursors;
mod devices;
mod error;
mod friends;
mod groups;
mod history;
mod memberships;
mod messages;
mod migrations;
mod open;
mod open_error;
mod options;
#[cfg(test)]
mod plans;
mod positions;
mod rows;
mod start;
mod store;
mod tokens;
mod users;

pub use open_error::OpenError;
pub use options::SqliteOptions;
pub use store::SqliteStore;

pub use crate::sql::migrations::{Migrated, PendingMigrations};
