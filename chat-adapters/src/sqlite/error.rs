//! SQLite's failures as what the ports and the opening of a file report.

use std::path::Path;

use chat_core::BackendError;
use sqlx::migrate::MigrateError;

use super::OpenError;

/// SQLite's primary result codes that mean something here.
/// Source: <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const ERROR: i32 = 1;
    pub(super) const PERMISSION: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const CANNOT_OPEN: i32 = 14;
    pub(super) const TOO_BIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const MISMATCH: i32 = 20;
    pub(super) const MISUSE: i32 = 21;
    pub(super) const RANGE: i32 = 25;
    pub(super) const NOT_A_DATABASE: i32 = 26;

    /// The low byte of an extended result code is its primary one.
    pub(super) const PRIMARY: i32 = 0xff;
}

/// Maps a failure before the commit: nothing was changed, or it is a defect.
pub(super) fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> BackendError {
    move |error| {
        if is_defect(&error) {
            BackendError::broken(what).because(error)
        } else {
            BackendError::not_done(what).because(error)
        }
    }
}

/// Maps a failure of the commit itself, or of a statement that commits by itself.
///
/// A commit that had to wait for a lock, or for the connection, was not begun. Of any other failure nobody can say whether
/// its pages reached the disk and are found there after a restart.
pub(super) fn commit_failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> BackendError {
    move |error| match primary_code(&error) {
        Some(code::BUSY | code::LOCKED) => BackendError::not_done(what).because(error),
        Some(code::CONSTRAINT) => BackendError::broken(what).because(error),
        None if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
            BackendError::not_done(what).because(error)
        }
        _ => BackendError::unknown(what).because(error),
    }
}

/// Whether trying again cannot help.
fn is_defect(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => matches!(
            primary_code(error),
            Some(
                code::ERROR
                    | code::CORRUPT
                    | code::TOO_BIG
                    | code::CONSTRAINT
                    | code::MISMATCH
                    | code::MISUSE
                    | code::RANGE
                    | code::NOT_A_DATABASE
            )
        ),
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => false,
        _ => true,
    }
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & code::PRIMARY)
}

/// Whether another process holds a lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
}

/// Whether a row is there already under its key.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Maps a failure while a file is opened or migrated.
pub(super) fn open_failed(path: &Path) -> impl FnOnce(sqlx::Error) -> OpenError {
    let path = path.to_owned();
    move |error| {
        let code = primary_code(&error);
        let source = error.into();
        match code {
            Some(code::NOT_A_DATABASE | code::CORRUPT) => OpenError::NotADatabase { path, source },
            Some(code::READ_ONLY | code::CANNOT_OPEN | code::PERMISSION) => {
                OpenError::NotWritable { path, source }
            }
            Some(code::BUSY | code::LOCKED) => OpenError::Busy { path, source },
            _ => OpenError::Failed { path, source },
        }
    }
}

/// Maps a failure of the migrator.
pub(super) fn migrate_failed(path: &Path) -> impl FnOnce(MigrateError) -> OpenError {
    move |error| match error {
        MigrateError::Execute(error) => open_failed(path)(error),
        error => OpenError::Failed {
            path: path.to_owned(),
            source: error.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use chat_core::BackendErrorKind;

    use super::*;

    #[test]
    fn only_a_failure_of_the_commit_leaves_open_whether_it_was_done() {
        let before = failed("before")(sqlx::Error::WorkerCrashed);
        let commit = commit_failed("commit")(sqlx::Error::WorkerCrashed);
        let no_connection = commit_failed("commit")(sqlx::Error::PoolTimedOut);
        let bad_row = failed("row")(sqlx::Error::RowNotFound);
        assert_eq!(before.kind(), BackendErrorKind::NotDone);
        assert_eq!(commit.kind(), BackendErrorKind::Unknown);
        assert_eq!(no_connection.kind(), BackendErrorKind::NotDone);
        assert_eq!(bad_row.kind(), BackendErrorKind::Broken);
    }
}
