//! Every store port on MySQL 8 or MariaDB 10.11 and later: the store that several nodes share.
//!
//! - What a call has answered is committed. It survives what the server's own settings let survive;
//!   its defaults flush each commit to disk.
//! - Every call has a deadline, waiting for a connection included. Deadlocks, lock time-outs and lost
//!   connections before the commit are got over inside the store, with pauses, and counted in
//!   `chat_mysql_retries_total` by `reason`; [`METRICS`] has all that is counted.
//! - A connection whose call did not finish is closed and never used again.
//! - The schema and the reasons for it are in `sql/mysql` and `sql/README.md`.
//!
//! ```no_run
//! use chat_adapters::mysql::{MySqlOptions, MySqlStore};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MySqlStore::open(MySqlOptions::parse("mysql://chat:secret@127.0.0.1/chat")?).await?;
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod access;
mod append;
mod clock;
mod creating;
mod cursors;
mod devices;
mod duplicates;
mod error;
mod friends;
mod groups;
mod history;
mod joining;
mod memberships;
mod messages;
mod meters;
mod migrations;
mod open;
mod open_error;
mod opening;
mod options;
mod pool;
mod positions;
mod session;
mod shapes;
mod start;
mod store;
mod tokens;
mod users;

pub use meters::METRICS;
pub use open_error::OpenError;
pub use options::MySqlOptions;
pub use store::MySqlStore;

pub use crate::sql::migrations::{Migrated, PendingMigrations};
