//! What a database says about the migrations that it had.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// What happens to migrations that a database still needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PendingMigrations {
    /// They are applied.
    #[default]
    Apply,
    /// Opening fails with `OpenError::Pending`.
    Refuse,
}

/// What migrating a database came to; both versions are the same where nothing was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before; 0 for a new database.
    pub from: i64,
    /// The version now.
    pub to: i64,
}

/// Why a database cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its migrations are not those of this program.
    OtherDatabase,
    /// It had a migration that comes after all that this program knows.
    NewerVersion { found: i64, known: i64 },
}

/// The migrations that are compiled in: each one's version, what its file is called without that, and what is in it.
pub(crate) fn migrator(files: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        let sql = sql.into_sql_str();
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

/// Compares the migrations that were applied, by version and checksum, with those that this program
/// knows; answers what migrating comes to, and how many migrations that are.
pub(crate) fn compare(known: &Migrator, applied: &[(i64, Vec<u8>)]) -> Result<(Migrated, usize), Unfit> {
    let mut count = 0;
    for migration in known.iter() {
        match applied.iter().find(|(version, _)| *version == migration.version) {
            Some((_, checksum)) if *checksum == *migration.checksum => {}
            Some(_) => return Err(Unfit::OtherDatabase),
            None => count += 1,
        }
    }
    let newest = known.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found = applied.iter().map(|(version, _)| *version).max().unwrap_or(0);
    if found > newest && count == 0 {
        return Err(Unfit::NewerVersion { found, known: newest });
    }
    if applied.len() + count != known.iter().count() {
        return Err(Unfit::OtherDatabase);
    }
    let migrated = Migrated {
        from: found,
        to: found.max(newest),
    };
    Ok((migrated, count))
}

/// That the migrations which are compiled in are those of a folder, as sqlx itself reads it.
#[cfg(test)]
pub(crate) async fn assert_are_those_of(folder: &str, known: &Migrator) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = Migrator::new(folder).await.unwrap();
    assert_eq!(contents(known), contents(&files));
}

#[cfg(test)]
fn contents<'a>(migrator: &'a Migrator) -> Vec<(&'a Migration, &'a str, &'a str, bool)> {
    let content = |migration: &'a Migration| {
        (
            migration,
            &*migration.description,
            migration.sql.as_str(),
            migration.no_tx,
        )
    };
    migrator.iter().map(content).collect()
}
