//! The migrations, and what a file says about those it had.

use std::path::Path;
use std::sync::LazyLock;

use sqlx::migrate::Migrator;
use sqlx::{Connection, SqliteConnection};

use super::error::{migrate_failed, open_failed};
use super::{Migrated, OpenError, PendingMigrations};
use crate::sql::migrations::{Unfit, compare, migrator};

/// The migrations that this program knows.
static KNOWN: LazyLock<Migrator> =
    LazyLock::new(|| migrator(&[(1, "store", include_str!("../../sql/sqlite/0001_store.sql"))]));

/// Applies what is pending, in one transaction that holds the write lock, so that of two processes
/// the second one finds everything done.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    path: &Path,
    pending: PendingMigrations,
) -> Result<Migrated, OpenError> {
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(open_failed(path))?;
    let (migrated, count) = pending_migrations(&mut transaction, path).await?;
    if count == 0 {
        return Ok(migrated);
    }
    if pending == PendingMigrations::Refuse {
        return Err(OpenError::Pending {
            path: path.to_owned(),
            count,
        });
    }
    KNOWN
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(migrate_failed(path))?;
    transaction.commit().await.map_err(open_failed(path))?;
    Ok(migrated)
}

/// Checks that the file is ours and not newer than this program; answers what migrating it comes
/// to, and how many migrations that are.
async fn pending_migrations(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(Migrated, usize), OpenError> {
    let applied = applied(connection, path).await?;
    compare(&KNOWN, &applied).map_err(|unfit| match unfit {
        Unfit::OtherDatabase => other_database(path),
        Unfit::NewerVersion { found, known } => OpenError::NewerVersion {
            path: path.to_owned(),
            found,
            known,
        },
    })
}

/// The migrations that were applied: none for a new file.
async fn applied(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<(i64, Vec<u8>)>, OpenError> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
            .fetch_all(&mut *connection)
            .await
            .map_err(open_failed(path))?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(other_database(path));
    }
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
        .fetch_all(connection)
        .await
        .map_err(open_failed(path))
}

fn other_database(path: &Path) -> OpenError {
    OpenError::OtherDatabase {
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::migrations::assert_are_those_of;

    #[tokio::test]
    async fn every_migration_is_compiled_in() {
        assert_are_those_of("sql/sqlite", &KNOWN).await;
    }
}
