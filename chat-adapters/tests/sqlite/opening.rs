//! Opening a file: who may read it, and which files are refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use chat_adapters::sqlite::{OpenError, PendingMigrations, SqliteOptions, SqliteStore};
use chat_core::BackendErrorKind;
use chat_core::ports::{NewUser, UserStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::scene::user;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A plain connection, as another program opens the file.
async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_new_file_and_those_beside_it_are_for_their_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = SqliteStore::open(path.as_path()).await.unwrap();
    user(&store, "alice").await;
    for name in ["chat.db", "chat.db-wal", "chat.db-shm"] {
        assert_eq!(mode(&directory.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn an_existing_file_keeps_its_permissions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    SqliteStore::open(path.as_path()).await.unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[tokio::test]
async fn a_path_where_no_file_can_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        directory.path().join("missing/chat.db"),
        directory.path().to_owned(),
    ] {
        let error = SqliteStore::open(path.as_path()).await.unwrap_err();
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let text = "Dear Alice, this is no database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = SqliteStore::open(path.as_path()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    let mut connection = connect(&path).await;
    run(&mut connection, "CREATE TABLE Recipe (id INTEGER PRIMARY KEY)").await;
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(path.as_path()).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherDatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_by_open_and_by_migrate() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    SqliteStore::migrate(path.as_path()).await.unwrap();
    let mut connection = connect(&path).await;
    run(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    let errors = [
        SqliteStore::open(path.as_path()).await.unwrap_err(),
        SqliteStore::migrate(path.as_path()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error, OpenError::NewerVersion { found: 9999, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("newer program"), "{error}");
    }
}

#[tokio::test]
async fn pending_migrations_are_refused_where_the_options_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let options = SqliteOptions {
        pending_migrations: PendingMigrations::Refuse,
        ..SqliteOptions::new(&path)
    };
    let error = SqliteStore::open(options.clone()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Pending { count: 1.., .. }),
        "{error:?}"
    );
    let first = SqliteStore::migrate(path.as_path()).await.unwrap();
    let second = SqliteStore::migrate(path.as_path()).await.unwrap();
    assert!(first.from == 0 && first.to > 0, "{first:?}");
    assert_eq!((second.from, second.to), (first.to, first.to));
    SqliteStore::open(options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn openers_of_one_new_file_at_once_all_succeed() {
    for _ in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chat.db");
        let mut openers = JoinSet::new();
        for number in 0..6 {
            let path = path.clone();
            openers.spawn(async move {
                let store = SqliteStore::open(path).await.unwrap();
                user(&store, &format!("user {number}")).await.get()
            });
        }
        let mut ids = openers.join_all().await;
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_busy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(20),
        ..SqliteOptions::new(&path)
    };
    let mut other = connect(&path).await;
    run(&mut other, "BEGIN EXCLUSIVE").await;
    let error = SqliteStore::open(options.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Busy { .. }), "{error:?}");
    run(&mut other, "ROLLBACK").await;

    let store = SqliteStore::open(options).await.unwrap();
    run(&mut other, "BEGIN IMMEDIATE").await;
    let alice = NewUser {
        id: None,
        name: "alice".parse().unwrap(),
        password: None,
    };
    let error = store.create_user(&alice).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone, "{error:?}");
    run(&mut other, "ROLLBACK").await;
    store.create_user(&alice).await.unwrap();
}

#[tokio::test]
async fn a_row_that_cannot_be_right_is_a_defect() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = SqliteStore::open(path.as_path()).await.unwrap();
    let alice = user(&store, "alice").await;
    run(&mut connect(&path).await, "UPDATE User SET name = ''").await;
    let error = store.users(&[alice]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Broken, "{error:?}");
}
