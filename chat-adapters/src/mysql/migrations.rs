//! The migrations, and what a database says about those it had.
//!
//! MySQL commits each statement that changes a table by itself, so an interrupted migration leaves
//! some of its tables behind. Every migration is therefore written such that it can be run again from
//! its beginning, and one that is marked as not finished is.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::MySqlConnection;
use sqlx::migrate::Migrator;

use super::error::{migrate_failed, open_failed};
use super::{Migrated, MySqlOptions, OpenError, PendingMigrations};
use crate::sql::migrations::{Unfit, compare, migrator};

/// How long to wait for another process that migrates, and for calls that use a table.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// The lock that a process holds while it migrates a database, named after it.
///
/// sqlx' own one waits with a time-out of -1, which MariaDB answers at once without giving the lock.
const LOCK: &str = "SELECT GET_LOCK(LEFT(CONCAT('chat migrates ', SHA2(DATABASE(), 256)), 64), ?)";
const UNLOCK: &str = "SELECT RELEASE_LOCK(LEFT(CONCAT('chat migrates ', SHA2(DATABASE(), 256)), 64))";

/// The migrations that this program knows.
static KNOWN: LazyLock<Migrator> = LazyLock::new(|| {
    let mut known = migrator(&[(1, "store", include_str!("../../sql/mysql/0001_store.sql"))]);
    known.set_locking(false);
    known
});

/// Applies what is pending, while no other process does.
pub(super) async fn apply(
    connection: &mut MySqlConnection,
    options: &MySqlOptions,
    pending: PendingMigrations,
) -> Result<Migrated, OpenError> {
    let (migrated, count) = pending_migrations(connection, options).await?;
    if count == 0 {
        return Ok(migrated);
    }
    if pending == PendingMigrations::Refuse {
        return Err(OpenError::Pending {
            database: options.database(),
            count,
        });
    }
    lock(connection, options).await?;
    let outcome = apply_locked(connection, options).await;
    let unlocked = sqlx::query(UNLOCK).execute(connection).await;
    let migrated = outcome?;
    unlocked.map_err(open_failed(options))?;
    Ok(migrated)
}

/// Applies what is pending now that no other process can.
async fn apply_locked(
    connection: &mut MySqlConnection,
    options: &MySqlOptions,
) -> Result<Migrated, OpenError> {
    let (migrated, count) = pending_migrations(connection, options).await?;
    if count == 0 {
        return Ok(migrated);
    }
    sqlx::query("SET SESSION lock_wait_timeout = ?")
        .bind(LOCK_WAIT.as_secs())
        .execute(&mut *connection)
        .await
        .map_err(open_failed(options))?;
    forget_interrupted(connection, options).await?;
    KNOWN
        .run_direct(None, connection, false)
        .await
        .map_err(migrate_failed(options))?;
    Ok(migrated)
}

async fn lock(connection: &mut MySqlConnection, options: &MySqlOptions) -> Result<(), OpenError> {
    let locked: Option<i64> = sqlx::query_scalar(LOCK)
        .bind(LOCK_WAIT.as_secs())
        .fetch_one(connection)
        .await
        .map_err(open_failed(options))?;
    if locked == Some(1) {
        return Ok(());
    }
    Err(OpenError::Busy {
        database: options.database(),
    })
}

/// Lets a migration that was interrupted run again. The lock tells that nobody is at it.
async fn forget_interrupted(
    connection: &mut MySqlConnection,
    options: &MySqlOptions,
) -> Result<(), OpenError> {
    if !tables(connection, options)
        .await?
        .iter()
        .any(|table| table == "_sqlx_migrations")
    {
        return Ok(());
    }
    sqlx::query("DELETE FROM _sqlx_migrations WHERE success = FALSE")
        .execute(connection)
        .await
        .map_err(open_failed(options))?;
    Ok(())
}

/// Checks that the database is ours and not newer than this program; answers what migrating it comes
/// to, and how many migrations that are.
async fn pending_migrations(
    connection: &mut MySqlConnection,
    options: &MySqlOptions,
) -> Result<(Migrated, usize), OpenError> {
    let applied = applied(connection, options).await?;
    let database = options.database();
    compare(&KNOWN, &applied).map_err(|unfit| match unfit {
        Unfit::OtherDatabase => OpenError::OtherDatabase { database },
        Unfit::NewerVersion { found, known } => OpenError::NewerVersion {
            database,
            found,
            known,
        },
    })
}

/// The migrations that were applied to their end: none for a new database.
async fn applied(
    connection: &mut MySqlConnection,
    options: &MySqlOptions,
) -> Result<Vec<(i64, Vec<u8>)>, OpenError> {
    let tables = tables(connection, options).await?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(OpenError::OtherDatabase {
            database: options.database(),
        });
    }
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await
        .map_err(open_failed(options))
}

/// The names of the database's tables and views.
async fn tables(connection: &mut MySqlConnection, options: &MySqlOptions) -> Result<Vec<String>, OpenError> {
    sqlx::query_scalar(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .fetch_all(connection)
    .await
    .map_err(open_failed(options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::migrations::assert_are_those_of;

    #[tokio::test]
    async fn every_migration_is_compiled_in() {
        assert_are_those_of("sql/mysql", &KNOWN).await;
    }
}
