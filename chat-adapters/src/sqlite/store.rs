//! The store's connections.

use std::fmt;

use chat_core::BackendError;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};

use super::error::{commit_failed, failed};
use super::{Migrated, OpenError, SqliteOptions, open};

/// Every store port on one SQLite file.
///
/// Clones share the connections.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl SqliteStore {
    /// Opens a file, makes it where it does not exist, and applies pending migrations unless the
    /// options say otherwise.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self, OpenError> {
        open::open(&options.into()).await
    }

    /// Applies pending migrations to a file, makes it where it does not exist, and tells from which
    /// version to which.
    ///
    /// All are applied in one transaction, or none is. Safe to repeat, also by several processes
    /// at once.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn migrate(options: impl Into<SqliteOptions>) -> Result<Migrated, OpenError> {
        open::migrate(&options.into()).await
    }

    /// Closes all connections, and waits for calls that are under way.
    ///
    /// The last process that closes a file leaves it without its `-wal` and `-shm` beside it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that may write. Dropping it changes nothing.
    pub(super) async fn begin(&self) -> Result<WriteTransaction, BackendError> {
        let inner = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed("could not begin to write"))?;
        Ok(WriteTransaction { inner })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.writer.connect_options();
        f.debug_struct("SqliteStore")
            .field("path", &options.get_filename())
            .finish_non_exhaustive()
    }
}

/// A transaction that holds the file's write lock from its beginning on.
pub(super) struct WriteTransaction {
    inner: Transaction<'static, Sqlite>,
}

impl WriteTransaction {
    /// The connection, to run statements on.
    pub(super) fn connection(&mut self) -> &mut sqlx::SqliteConnection {
        &mut self.inner
    }

    /// Makes the changes durable.
    pub(super) async fn commit(self) -> Result<(), BackendError> {
        let outcome = self.inner.commit().await;
        outcome.map_err(commit_failed("could not tell whether the change was stored"))
    }
}
