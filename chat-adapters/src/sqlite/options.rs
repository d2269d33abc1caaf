//! How a store file is opened.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::PendingMigrations;

/// Two for each core of a small machine; a reader waits for the disk more than it computes.
const READERS: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);

/// How a store file is opened.
///
/// ```
/// use std::time::Duration;
///
/// use chat_adapters::sqlite::{PendingMigrations, SqliteOptions};
///
/// let options = SqliteOptions {
///     busy_timeout: Duration::from_secs(1),
///     pending_migrations: PendingMigrations::Refuse,
///     ..SqliteOptions::new("chat.db")
/// };
/// assert_eq!(options.readers.get(), 4);
/// ```
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file. It is made where it does not exist, readable and writable by its owner only; an
    /// existing one keeps its permissions.
    pub path: PathBuf,
    /// The time to wait for another process that writes, and the time to wait for a connection.
    pub busy_timeout: Duration,
    /// Connections that read; each has a thread.
    pub readers: NonZeroU32,
    /// What happens to migrations that the file still needs.
    pub pending_migrations: PendingMigrations,
}

impl SqliteOptions {
    /// The defaults for a file: 3 s, 4 readers, pending migrations are applied.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(3),
            readers: READERS,
            pending_migrations: PendingMigrations::default(),
        }
    }
}

impl From<PathBuf> for SqliteOptions {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<&Path> for SqliteOptions {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<&str> for SqliteOptions {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}
