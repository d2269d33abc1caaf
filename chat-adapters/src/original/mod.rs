//! The database of the original system, a C++ server with five MySQL tables, to be read and moved
//! away from.
//!
//! - Everything is read in one read-only transaction on a snapshot, and nothing is ever written.
//! - Rows come as streams. What is kept in memory does not grow with the tables, but for a few dozen
//!   bytes for each text that waits more than once for the same user.
//! - The names of tables are found without case, and texts are read in any character set.
//!
//! | table | columns |
//! | --- | --- |
//! | `User` | `id`, `name`, `password` (plain text) |
//! | `Friend` | `userid`, `friendid`: one direction of each friendship |
//! | `AllGroup` | `id`, `groupname`, `groupdesc` |
//! | `GroupUser` | `groupid`, `userid`, `grouprole` (`creator` or `normal`) |
//! | `OfflineMessage` | `userid`, `message`: JSON as the server relayed it, without a key |
//!
//! ```no_run
//! use chat_adapters::original::{Charset, OriginalDatabase};
//! use futures_util::TryStreamExt as _;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "mysql://root:secret@127.0.0.1/chat";
//! let mut database = OriginalDatabase::open(url, Charset::default()).await?;
//! let mut users = database.users();
//! while let Some(user) = users.try_next().await? {
//!     println!("{:?}", user.name);
//! }
//! # Ok(())
//! # }
//! ```

mod charset;
mod error;
mod message;
mod occurrences;
mod open;
mod read;
mod rows;
mod tables;

pub use charset::{Charset, UnknownCharset};
pub use error::OriginalError;
pub use message::{MessageText, Recipient, Unreadable, WaitingMessage};
pub use occurrences::{MessageKey, Occurrences};
pub use open::OriginalDatabase;
pub use rows::{Counts, FriendRow, GroupRow, MemberRow, OfflineRow, UserRow};
