//! How a store on MySQL is opened.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;

use super::{OpenError, PendingMigrations};

/// Nine nodes of this fit into the 151 connections that a server allows by default.
const MAX_CONNECTIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(15);
/// More than the prepared statements that the store has: one that is pushed out is closed by
/// a packet without an answer, and the next statement waits for a delayed acknowledgement.
const STATEMENTS_KEPT: usize = 512;

/// How a store on MySQL is opened: where it is, and within which limits it is used.
///
/// ```
/// use std::time::Duration;
///
/// use chat_adapters::mysql::MySqlOptions;
///
/// let mut options = MySqlOptions::parse("mysql://chat:secret@db.example/chat?ssl-mode=VERIFY_IDENTITY")?;
/// options.call_timeout = Duration::from_secs(2);
/// assert_eq!(options.max_connections.get(), 16);
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), chat_adapters::mysql::OpenError>(())
/// ```
#[derive(Clone)]
pub struct MySqlOptions {
    pub(super) server: MySqlConnectOptions,
    /// Connections at most. A call beyond them waits for one.
    pub max_connections: NonZeroU32,
    /// Connections that are opened at once, and kept when idle.
    pub min_connections: u32,
    /// How long a call waits for a connection; never longer than its deadline.
    pub acquire_timeout: Duration,
    /// Each call's deadline, from waiting for a connection to the commit, repetitions included.
    pub call_timeout: Duration,
    /// What happens to migrations that the database still needs.
    pub pending_migrations: PendingMigrations,
}

impl MySqlOptions {
    /// Reads `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, with the defaults: 1 to 16 connections, 3 s to
    /// wait for one, 5 s for a call, pending migrations are applied.
    ///
    /// Parameters that the URL can have: `ssl-mode` (`DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA`,
    /// `VERIFY_IDENTITY`), `ssl-ca`, `ssl-cert`, `ssl-key`, and `socket` for a Unix socket.
    ///
    /// # Errors
    /// [`OpenError::InvalidUrl`], whose text shows nothing of the URL.
    pub fn parse(url: &str) -> Result<Self, OpenError> {
        if !(url.starts_with("mysql://") || url.starts_with("mariadb://")) {
            return Err(OpenError::InvalidUrl {
                problem: "it does not begin with mysql://",
            });
        }
        let server: MySqlConnectOptions = url.parse().map_err(|_| OpenError::InvalidUrl {
            problem: "it cannot be read",
        })?;
        if server.get_database().is_none_or(str::is_empty) {
            return Err(OpenError::InvalidUrl {
                problem: "it names no database",
            });
        }
        Ok(Self {
            // The session's settings are made in one statement of the store.
            server: server
                .pipes_as_concat(false)
                .no_engine_substitution(false)
                .timezone(None)
                .set_names(false)
                .statement_cache_capacity(STATEMENTS_KEPT)
                .disable_statement_logging(),
            max_connections: MAX_CONNECTIONS,
            min_connections: 1,
            acquire_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(5),
            pending_migrations: PendingMigrations::default(),
        })
    }

    /// The database's name.
    pub(super) fn database(&self) -> String {
        self.server.get_database().unwrap_or_default().to_owned()
    }

    /// Where the server is, for people.
    pub(super) fn address(&self) -> String {
        match self.server.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.server.get_host(), self.server.get_port()),
        }
    }
}

impl fmt::Debug for MySqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlOptions")
            .field("address", &self.address())
            .field("database", &self.database())
            .field("max_connections", &self.max_connections)
            .field("min_connections", &self.min_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("pending_migrations", &self.pending_migrations)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_database_or_of_another_kind_is_refused_without_being_shown() {
        for url in [
            "mysql://chat:secret@db",
            "mysql://chat:secret@db/",
            "mysql://chat:secret@db:port/chat",
            "postgres://chat:secret@db/chat",
            "secret",
        ] {
            let error = MySqlOptions::parse(url).unwrap_err();
            assert!(matches!(error, OpenError::InvalidUrl { .. }), "{url}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
