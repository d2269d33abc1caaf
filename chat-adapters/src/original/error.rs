//! Why the original database could not be read.

use std::error::Error as StdError;

/// Why the original database could not be read. The text says what to do about it, and shows
/// nothing of the URL's password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginalError {
    /// The URL does not say where a database is.
    #[error(
        "the URL of the original database is not valid: {problem}; write mysql://USER:PASSWORD@HOST/DATABASE"
    )]
    InvalidUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No connection could be made.
    #[error(
        "cannot open the original database {database}: check that the server runs, that this machine may connect, and \
         the user's name and password"
    )]
    Unreachable {
        /// The database.
        database: String,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Some of the five tables are not there.
    #[error("the database {database} is none of the original system: it has no table {missing}")]
    MissingTables {
        /// The database.
        database: String,
        /// Which, separated by commas.
        missing: String,
    },
    /// The database belongs to this system, not to the original one.
    #[error("the database {database} is a store of chat-server already: name the original one")]
    NotOriginal {
        /// The database.
        database: String,
    },
    /// A table could not be read.
    #[error("cannot read the original table {table}")]
    Unreadable {
        /// Which.
        table: &'static str,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl OriginalError {
    pub(super) fn unreadable(table: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |error| Self::Unreadable {
            table,
            source: error.into(),
        }
    }
}
