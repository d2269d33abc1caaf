//! Opening a file: made for its owner only, checked, migrated, in WAL mode.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::{Instant, sleep};

use super::error::{is_busy, open_failed};
use super::{Migrated, OpenError, PendingMigrations, SqliteOptions, SqliteStore, migrations};

/// The pause between two attempts at a lock that SQLite does not wait for by itself.
const RETRY_PAUSE: Duration = Duration::from_millis(10);
/// What the write-ahead log is cut back to once it has been copied into the file.
const LOG_BYTES_KEPT: &str = "67108864";
/// How many pages of 4 KiB the write-ahead log may have before it is copied into the file, which is as much as is kept of
/// it. A page that changes again and again, such as the last one of a busy conversation, is copied once then.
const LOG_PAGES: &str = "16384";
/// What the connection that writes keeps of the file in memory, in KiB with a minus as SQLite has it: the pages of some
/// hundred busy conversations. What was taken once stays with the process, however long nothing is written, and further
/// pages are quickly had from what the system keeps of the file.
const WRITER_CACHE: &str = "-8192";
/// What each connection that reads keeps, likewise.
const READER_CACHE: &str = "-1024";
/// Prepared statements kept by each connection: more than the store has.
const STATEMENTS_KEPT: usize = 128;

pub(super) async fn open(options: &SqliteOptions) -> Result<SqliteStore, OpenError> {
    let (connection, _) = prepare(options, options.pending_migrations).await?;
    let path = &options.path;
    let store = SqliteStore {
        writer: pool(
            options,
            1,
            connect_options(options)
                .pragma("cache_size", WRITER_CACHE)
                .pragma("wal_autocheckpoint", LOG_PAGES),
        )
        .await?,
        readers: pool(
            options,
            options.readers.get(),
            connect_options(options)
                .pragma("cache_size", READER_CACHE)
                .pragma("query_only", "ON"),
        )
        .await?,
    };
    connection.close().await.map_err(open_failed(path))?;
    Ok(store)
}

pub(super) async fn migrate(options: &SqliteOptions) -> Result<Migrated, OpenError> {
    let (connection, migrated) = prepare(options, PendingMigrations::Apply).await?;
    connection.close().await.map_err(open_failed(&options.path))?;
    Ok(migrated)
}

/// Makes the file where it is missing, checks and migrates it, and switches it to WAL mode.
async fn prepare(
    options: &SqliteOptions,
    pending: PendingMigrations,
) -> Result<(SqliteConnection, Migrated), OpenError> {
    let path = &options.path;
    create_for_owner_only(path).map_err(|error| OpenError::not_writable(path, error))?;
    let mut connection = connect_options(options)
        .connect()
        .await
        .map_err(open_failed(path))?;
    let migrated = migrations::apply(&mut connection, path, pending).await?;
    switch_to_wal(&mut connection, options).await?;
    Ok((connection, migrated))
}

/// Makes an empty file with its final permissions, so that it is never open to others; SQLite
/// gives `-wal` and `-shm` the same ones. An existing file is left as it is.
fn create_for_owner_only(path: &Path) -> io::Result<()> {
    let mut new_file = OpenOptions::new();
    new_file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new_file, 0o600);
    match new_file.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// SQLite does not wait for the lock that this takes, so the waiting is here.
async fn switch_to_wal(connection: &mut SqliteConnection, options: &SqliteOptions) -> Result<(), OpenError> {
    let path = &options.path;
    let deadline = Instant::now() + options.busy_timeout;
    loop {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL")
            .persistent(false)
            .fetch_one(&mut *connection)
            .await;
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Err(error) if !is_busy(&error) => return Err(open_failed(path)(error)),
            Err(error) if Instant::now() >= deadline => return Err(open_failed(path)(error)),
            Err(_) => sleep(RETRY_PAUSE).await,
            Ok(mode) => {
                return Err(OpenError::Failed {
                    path: path.clone(),
                    source: format!(
                        "its journal mode stays {mode}: the file system has no shared memory for WAL mode"
                    )
                    .into(),
                });
            }
        }
    }
}

async fn pool(
    options: &SqliteOptions,
    connections: u32,
    connect: SqliteConnectOptions,
) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(connections)
        .acquire_timeout(options.busy_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(connect)
        .await
        .map_err(open_failed(&options.path))
}

fn connect_options(options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(false)
        .busy_timeout(options.busy_timeout)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("journal_size_limit", LOG_BYTES_KEPT)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}
