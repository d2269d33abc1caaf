//! Why a store on MySQL could not be opened.

use std::error::Error as StdError;

/// Why a store on MySQL could not be opened. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL does not say where a database is.
    #[error("the store's URL is not valid: {problem}; write mysql://USER:PASSWORD@HOST:PORT/DATABASE")]
    InvalidUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No server answers, or none that can be talked to.
    #[error("cannot reach MySQL at {address}: check that it runs there and that this machine may connect")]
    Unreachable {
        /// Host and port, or the socket.
        address: String,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server does not let this user in.
    #[error(
        "MySQL at {address} refuses the user for the database {database}: check name and password, and grant ALL on the database"
    )]
    AccessDenied {
        /// Host and port, or the socket.
        address: String,
        /// The database.
        database: String,
        /// What the server said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server has no such database.
    #[error("MySQL at {address} has no database {database}: make it with CREATE DATABASE `{database}`")]
    NoSuchDatabase {
        /// Host and port, or the socket.
        address: String,
        /// The database.
        database: String,
    },
    /// The database has tables, but not those of this program.
    #[error("the database {database} has tables of another program: choose an empty one")]
    OtherDatabase {
        /// The database.
        database: String,
    },
    /// The database was migrated by a newer version of this program.
    #[error(
        "the database {database} has schema version {found} and this program knows versions up to {known}: start the newer program that migrated it, or restore a backup from before the upgrade"
    )]
    NewerVersion {
        /// The database.
        database: String,
        /// The newest migration that was applied to it.
        found: i64,
        /// The newest migration that this program knows.
        known: i64,
    },
    /// The database needs migrations, and the options say to refuse it then.
    #[error("the database {database} needs {count} migrations first: make a backup, then migrate it")]
    Pending {
        /// The database.
        database: String,
        /// How many migrations it needs.
        count: usize,
    },
    /// Another program migrates the database, and takes longer than this one waits.
    #[error("another program still migrates the database {database}: try again when it is done")]
    Busy {
        /// The database.
        database: String,
    },
    /// Anything else.
    #[error("cannot open the database {database}")]
    Failed {
        /// The database.
        database: String,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
}
