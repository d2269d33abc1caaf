//! The connection to the original database.

use std::fmt;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::tables::Tables;
use super::{Charset, OriginalError};

/// The original database, on a snapshot that does not change while it is read.
pub struct OriginalDatabase {
    pub(super) connection: MySqlConnection,
    pub(super) tables: Tables,
    pub(super) charset: Charset,
}

impl OriginalDatabase {
    /// Connects to `mysql://USER:PASSWORD@HOST:PORT/DATABASE` and begins a read-only transaction on a
    /// snapshot. The user needs `SELECT` on the five tables, and nothing more.
    ///
    /// # Errors
    /// [`OriginalError`], whose text says what to do.
    pub async fn open(url: &str, charset: Charset) -> Result<Self, OriginalError> {
        let options = options(url)?;
        let database = options.get_database().unwrap_or_default().to_owned();
        let unreachable = |error: sqlx::Error| OriginalError::Unreachable {
            database: database.clone(),
            source: error.into(),
        };
        let mut connection = options.connect().await.map_err(unreachable)?;
        // A stream may pause for as long as what was read is written elsewhere.
        sqlx::raw_sql(
            "SET SESSION net_write_timeout = 28800, SESSION wait_timeout = 28800;
             SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;",
        )
        .execute(&mut connection)
        .await
        .map_err(unreachable)?;
        let tables = Tables::find(&mut connection, &database).await?;
        Ok(Self {
            connection,
            tables,
            charset,
        })
    }

    /// Ends the transaction and the connection.
    ///
    /// Dropping it has the same effect, but for the server being told.
    pub async fn close(self) {
        // Nothing was written, and nothing can be lost.
        let _ = self.connection.close().await;
    }
}

impl fmt::Debug for OriginalDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OriginalDatabase")
            .field("tables", &self.tables)
            .field("charset", &self.charset)
            .finish_non_exhaustive()
    }
}

/// Reads the URL. No error shows anything of it.
fn options(url: &str) -> Result<MySqlConnectOptions, OriginalError> {
    let invalid = |problem| OriginalError::InvalidUrl { problem };
    if !(url.starts_with("mysql://") || url.starts_with("mariadb://")) {
        return Err(invalid("it does not begin with mysql://"));
    }
    let options: MySqlConnectOptions = url.parse().map_err(|_| invalid("it cannot be read"))?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(invalid("it names no database"));
    }
    Ok(options.disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_is_refused_without_being_shown() {
        for url in [
            "mysql://chat:secret@db",
            "mysql://chat:secret@db/",
            "mysql://chat:secret@db:port/chat",
            "postgres://chat:secret@db/chat",
            "secret",
        ] {
            let error = options(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        assert!(options("mysql://chat:secret@db/chat").is_ok());
    }
}
