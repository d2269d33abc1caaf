//! Opening a database: connected, checked, migrated.

use sqlx::{Connection, MySqlConnection};
use tokio::time::timeout;

use super::error::open_failed;
use super::pool::Pool;
use super::{Migrated, MySqlOptions, OpenError, PendingMigrations, migrations};

pub(super) async fn open(options: &MySqlOptions) -> Result<Pool, OpenError> {
    let pool = Pool::new(options);
    prepare(&pool, options, options.pending_migrations).await?;
    pool.fill().await.map_err(open_failed(options))?;
    Ok(pool)
}

pub(super) async fn migrate(options: &MySqlOptions) -> Result<Migrated, OpenError> {
    prepare(&Pool::new(options), options, PendingMigrations::Apply).await
}

/// Checks and migrates the database, on a connection of its own.
async fn prepare(
    pool: &Pool,
    options: &MySqlOptions,
    pending: PendingMigrations,
) -> Result<Migrated, OpenError> {
    let mut connection = connect(pool, options).await?;
    let migrated = migrations::apply(&mut connection, options, pending).await?;
    connection.close().await.map_err(open_failed(options))?;
    Ok(migrated)
}

async fn connect(pool: &Pool, options: &MySqlOptions) -> Result<MySqlConnection, OpenError> {
    match timeout(options.call_timeout, pool.connect()).await {
        Ok(connected) => connected.map_err(open_failed(options)),
        Err(elapsed) => Err(OpenError::Unreachable {
            address: options.address(),
            source: elapsed.into(),
        }),
    }
}
