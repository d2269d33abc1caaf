//! MySQL's failures as what the ports and the opening of a database report.

use chat_core::{BackendError, BackendErrorKind};
use sqlx::migrate::MigrateError;
use sqlx::mysql::MySqlDatabaseError;

use super::{MySqlOptions, OpenError};

/// The error numbers that mean something here.
/// Sources: <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html> and
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
mod code {
    pub(super) const DISK_FULL: u16 = 1021;
    pub(super) const OUT_OF_MEMORY: u16 = 1037;
    pub(super) const OUT_OF_SORT_MEMORY: u16 = 1038;
    pub(super) const TOO_MANY_CONNECTIONS: u16 = 1040;
    pub(super) const OUT_OF_RESOURCES: u16 = 1041;
    pub(super) const NO_ACCESS_TO_DATABASE: u16 = 1044;
    pub(super) const ACCESS_DENIED: u16 = 1045;
    pub(super) const NULL_WHERE_THERE_IS_NONE: u16 = 1048;
    pub(super) const UNKNOWN_DATABASE: u16 = 1049;
    pub(super) const SERVER_SHUTDOWN: u16 = 1053;
    pub(super) const DUPLICATE_ENTRY: u16 = 1062;
    pub(super) const TABLE_FULL: u16 = 1114;
    pub(super) const CONNECTION_ABORTED: u16 = 1152;
    pub(super) const NETWORK_FIRST: u16 = 1156;
    pub(super) const NETWORK_LAST: u16 = 1161;
    pub(super) const TOO_MANY_CONNECTIONS_OF_USER: u16 = 1203;
    pub(super) const LOCK_WAIT_TIMEOUT: u16 = 1205;
    pub(super) const DEADLOCK: u16 = 1213;
    pub(super) const RESOURCE_LIMIT_OF_USER: u16 = 1226;
    pub(super) const SERVER_IS_READ_ONLY: u16 = 1290;
    pub(super) const WRONG_VALUE: u16 = 1292;
    pub(super) const INVALID_CHARACTERS: u16 = 1300;
    pub(super) const QUERY_INTERRUPTED: u16 = 1317;
    pub(super) const WRONG_VALUE_FOR_COLUMN: u16 = 1366;
    pub(super) const WRONG_VALUE_FOR_FUNCTION: u16 = 1411;
    pub(super) const TOO_MANY_STATEMENTS: u16 = 1461;
    pub(super) const WRONG_VALUE_OF_TYPE: u16 = 1525;
    pub(super) const DUPLICATE_ENTRY_OF_KEY: u16 = 1586;
    pub(super) const ACCESS_DENIED_WITHOUT_PASSWORD: u16 = 1698;
    pub(super) const TRANSACTION_IS_READ_ONLY: u16 = 1792;
    pub(super) const ENGINE_IS_READ_ONLY: u16 = 1836;
    pub(super) const CONNECTION_KILLED: u16 = 1927;
    pub(super) const STATEMENT_TIMEOUT_MARIADB: u16 = 1969;
    pub(super) const STATEMENT_TIMEOUT: u16 = 3024;
    pub(super) const SESSION_KILLED: u16 = 3169;
    pub(super) const NOT_CONVERTIBLE: u16 = 3854;
    pub(super) const DISCONNECTED_WHEN_IDLE: u16 = 4031;
}

/// What a failure before the commit means for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The transaction was chosen to end, so that another one can go on.
    Deadlock,
    /// Another transaction kept a lock for too long.
    LockTimeout,
    /// The connection is gone, or was never there.
    ConnectionLost,
    /// The server cannot do it now.
    Unable,
    /// Trying again cannot help.
    Defect,
}

impl Cause {
    /// What a failure means.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => number(error).map_or(Self::Defect, Self::of_number),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::ConnectionLost,
            _ => Self::Defect,
        }
    }

    const fn of_number(number: u16) -> Self {
        match number {
            code::DEADLOCK => Self::Deadlock,
            code::LOCK_WAIT_TIMEOUT => Self::LockTimeout,
            code::SERVER_SHUTDOWN
            | code::CONNECTION_ABORTED
            | code::NETWORK_FIRST..=code::NETWORK_LAST
            | code::TOO_MANY_CONNECTIONS
            | code::TOO_MANY_CONNECTIONS_OF_USER
            | code::CONNECTION_KILLED
            | code::SESSION_KILLED
            | code::DISCONNECTED_WHEN_IDLE
            // A server that was the primary: the address may lead to another one by now.
            | code::SERVER_IS_READ_ONLY
            | code::TRANSACTION_IS_READ_ONLY
            | code::ENGINE_IS_READ_ONLY => Self::ConnectionLost,
            code::DISK_FULL
            | code::OUT_OF_MEMORY
            | code::OUT_OF_SORT_MEMORY
            | code::OUT_OF_RESOURCES
            | code::TABLE_FULL
            | code::RESOURCE_LIMIT_OF_USER
            | code::QUERY_INTERRUPTED
            | code::TOO_MANY_STATEMENTS
            | code::STATEMENT_TIMEOUT_MARIADB
            | code::STATEMENT_TIMEOUT => Self::Unable,
            _ => Self::Defect,
        }
    }

    /// The label of the metric that counts repetitions; `None` where the call is not repeated.
    pub(super) const fn retry_reason(self) -> Option<&'static str> {
        match self {
            Self::Deadlock => Some("deadlock"),
            Self::LockTimeout => Some("lock_timeout"),
            Self::ConnectionLost => Some("connection_lost"),
            Self::Unable | Self::Defect => None,
        }
    }

    const fn kind(self) -> BackendErrorKind {
        match self {
            Self::Defect => BackendErrorKind::Broken,
            Self::Deadlock | Self::LockTimeout | Self::ConnectionLost | Self::Unable => {
                BackendErrorKind::NotDone
            }
        }
    }
}

/// Why an attempt at a call failed.
#[derive(Debug)]
pub(super) enum CallError {
    /// A statement failed.
    Statement {
        /// What it was for.
        what: &'static str,
        /// What went wrong.
        source: sqlx::Error,
    },
    /// What the database holds cannot be right, or a defect of this program.
    Backend(BackendError),
}

impl CallError {
    /// What it means; `None` where no statement failed.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Statement { source, .. } => Some(Cause::of(source)),
            Self::Backend(_) => None,
        }
    }

    /// Whether the connection can serve another call: the server has answered, and goes on.
    pub(super) fn leaves_the_connection_usable(&self) -> bool {
        match self {
            Self::Statement { source, .. } => {
                matches!(source, sqlx::Error::Database(_)) && Cause::of(source) != Cause::ConnectionLost
            }
            Self::Backend(_) => true,
        }
    }

    /// Whether a row exists already with the value of a unique key.
    pub(super) fn is_duplicate(&self) -> bool {
        match self {
            Self::Statement { source, .. } => number(source) == Some(code::DUPLICATE_ENTRY),
            Self::Backend(_) => false,
        }
    }

    /// Whether a message was refused because another one is there under its number or id: the statement
    /// that stores messages makes a NULL of it.
    pub(super) fn is_clash(&self) -> bool {
        match self {
            Self::Statement { source, .. } => number(source) == Some(code::NULL_WHERE_THERE_IS_NONE),
            Self::Backend(_) => false,
        }
    }

    /// The failure of a call that did not come to its commit.
    pub(super) fn before_commit(self) -> BackendError {
        match self {
            Self::Statement { what, source } => {
                let made = match Cause::of(&source).kind() {
                    BackendErrorKind::Broken => BackendError::broken(what),
                    BackendErrorKind::NotDone | BackendErrorKind::Unknown => BackendError::not_done(what),
                };
                made.because(shown(source))
            }
            Self::Backend(error) => error,
        }
    }

    /// The failure of the commit itself: it may have been done, except that a deadlock undoes it.
    pub(super) fn in_commit(self) -> BackendError {
        match self {
            Self::Statement { what, source } if Cause::of(&source) != Cause::Deadlock => {
                BackendError::unknown(what).because(shown(source))
            }
            other => other.before_commit(),
        }
    }
}

impl From<BackendError> for CallError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// Maps a failure of a statement.
pub(super) fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> CallError {
    move |source| CallError::Statement { what, source }
}

/// Stands for an error whose text quotes what was to be stored, which may be a name or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error {0} of MySQL, whose text would show what is stored")]
struct Withheld(u16);

/// What may be logged of a failure.
fn shown(source: sqlx::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match number(&source).filter(|&number| quotes_values(number)) {
        Some(number) => Withheld(number).into(),
        None => source.into(),
    }
}

const fn quotes_values(number: u16) -> bool {
    matches!(
        number,
        code::DUPLICATE_ENTRY
            | code::WRONG_VALUE
            | code::INVALID_CHARACTERS
            | code::WRONG_VALUE_FOR_COLUMN
            | code::WRONG_VALUE_FOR_FUNCTION
            | code::WRONG_VALUE_OF_TYPE
            | code::DUPLICATE_ENTRY_OF_KEY
            | code::NOT_CONVERTIBLE
    )
}

/// The server's number of an error.
fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// Maps a failure while a database is opened.
pub(super) fn open_failed(options: &MySqlOptions) -> impl Fn(sqlx::Error) -> OpenError {
    let (address, database) = (options.address(), options.database());
    move |error| {
        let (address, database) = (address.clone(), database.clone());
        match number(&error) {
            Some(code::UNKNOWN_DATABASE) => OpenError::NoSuchDatabase { address, database },
            Some(
                code::ACCESS_DENIED | code::NO_ACCESS_TO_DATABASE | code::ACCESS_DENIED_WITHOUT_PASSWORD,
            ) => OpenError::AccessDenied {
                address,
                database,
                source: error.into(),
            },
            _ if Cause::of(&error) == Cause::ConnectionLost => OpenError::Unreachable {
                address,
                source: error.into(),
            },
            _ => OpenError::Failed {
                database,
                source: error.into(),
            },
        }
    }
}

/// Maps a failure of the migrator.
pub(super) fn migrate_failed(options: &MySqlOptions) -> impl FnOnce(MigrateError) -> OpenError {
    let map = open_failed(options);
    let database = options.database();
    move |error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => map(error),
        error => OpenError::Failed {
            database,
            source: error.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn lost() -> CallError {
        failed("lost")(sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()))
    }

    #[test]
    fn only_a_failure_of_the_commit_leaves_open_whether_it_was_done() {
        assert_eq!(lost().before_commit().kind(), BackendErrorKind::NotDone);
        assert_eq!(lost().in_commit().kind(), BackendErrorKind::Unknown);
        let bad_row = failed("row")(sqlx::Error::RowNotFound);
        assert_eq!(bad_row.before_commit().kind(), BackendErrorKind::Broken);
    }

    #[test]
    fn of_errors_that_quote_what_is_stored_only_the_number_is_shown() {
        // "Duplicate entry 'alice' for key 'name'", "Incorrect string value: '...' for column 'body'"
        for number in [1062, 1366] {
            assert!(quotes_values(number), "{number}");
            let text = Withheld(number).to_string();
            assert!(text.contains(&number.to_string()), "{text}");
        }
        assert!(!quotes_values(code::DEADLOCK));
        let text = chat_core::chain(&lost().before_commit());
        assert!(text.contains("connection reset"), "{text}");
    }

    #[test]
    fn what_another_attempt_can_get_over_is_repeated_and_counted_by_its_reason() {
        assert_eq!(Cause::of_number(1213).retry_reason(), Some("deadlock"));
        assert_eq!(Cause::of_number(1205).retry_reason(), Some("lock_timeout"));
        assert_eq!(Cause::of_number(1927).retry_reason(), Some("connection_lost"));
        assert_eq!(Cause::of_number(1114).retry_reason(), None);
        const SYNTAX_ERROR: u16 = 1064;
        assert_eq!(Cause::of_number(SYNTAX_ERROR), Cause::Defect);
    }
}
