//! Why a store file could not be opened.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// Why a store file could not be opened. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be made or written.
    #[error(
        "cannot write the store file {path}: check that its directory exists and that this user may write the file and the directory",
        path = path.display()
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error(
        "{path} is no SQLite database, or a damaged one: choose another file, or restore it from a backup",
        path = path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The file is a SQLite database, but not one of this program.
    #[error("{path} is a database of another program: choose another file", path = path.display())]
    OtherDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "the store file {path} has schema version {found} and this program knows versions up to {known}: start the newer program that wrote it, or restore a backup from before the upgrade",
        path = path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// The newest migration that was applied to it.
        found: i64,
        /// The newest migration that this program knows.
        known: i64,
    },
    /// The file needs migrations, and the options say to refuse it then.
    #[error(
        "the store file {path} needs {count} migrations first: make a backup, then migrate it",
        path = path.display()
    )]
    Pending {
        /// The file.
        path: PathBuf,
        /// How many migrations it needs.
        count: usize,
    },
    /// Another process kept the file locked for longer than the busy time-out.
    #[error(
        "another process keeps the store file {path} locked: stop it, or try again later",
        path = path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Anything else, such as a full disk or a file system without shared memory.
    #[error("cannot open the store file {path}", path = path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl OpenError {
    pub(super) fn not_writable(path: &std::path::Path, source: io::Error) -> Self {
        Self::NotWritable {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
