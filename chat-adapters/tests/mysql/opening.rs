//! Opening a database: migrated once, whoever opens it, and with settings of the store's own.

use std::num::NonZeroU32;

use chat_adapters::mysql::{MySqlOptions, MySqlStore, OpenError, PendingMigrations};
use chat_core::Timestamp;
use chat_core::ports::{MessageStore, TokenStore, UserStore};
use chat_core::types::TokenHash;
use tokio::task::JoinSet;

use crate::database::run;
use crate::harness::Setting;
use crate::relay::{Command, Relay, server};
use crate::scene::{connect, execute, message, open, user, users};

pub(crate) async fn twenty_openers_of_an_empty_database_at_once_all_succeed(setting: Setting) {
    let mut openers = JoinSet::new();
    for number in 0..20 {
        let mut options = setting.database.options().unwrap();
        options.max_connections = NonZeroU32::MIN;
        openers.spawn(async move {
            let store = MySqlStore::open(options).await.unwrap();
            user(&store, &format!("user {number}")).await.get()
        });
    }
    let mut ids = openers.join_all().await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    let mut connection = connect(&setting.database).await;
    let (migrations, finished): (i64, i64) =
        sqlx::query_as("SELECT COUNT(*), COUNT(NULLIF(success, FALSE)) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert!(migrations > 0 && migrations == finished);
}

/// What a crash in the middle of the first migration leaves: some of the tables, and its row in the
/// list, not finished.
pub(crate) async fn an_interrupted_migration_is_run_again(setting: Setting) {
    let store = open(&setting.database).await;
    let alice = user(&store, "alice").await;
    store.close().await;
    let mut connection = connect(&setting.database).await;
    execute(
        &mut connection,
        "DROP VIEW OfflineMessage; DROP VIEW FurthestCursor; DROP TABLE Token;
         UPDATE _sqlx_migrations SET success = FALSE",
    )
    .await;
    let mut options = setting.database.options().unwrap();
    options.pending_migrations = PendingMigrations::Refuse;
    let error = MySqlStore::open(options).await.unwrap_err();
    assert!(matches!(error, OpenError::Pending { .. }), "{error:?}");
    let store = open(&setting.database).await;
    assert_eq!(store.users(&[alice]).await.unwrap().len(), 1);
    let token = TokenHash::from_bytes([7; 32]);
    let end = Timestamp::from_millis(2_000_000_000_000);
    store.put_token(alice, token, end, 5).await.unwrap();
    execute(&mut connection, "SELECT * FROM OfflineMessage").await;
}

pub(crate) async fn pending_migrations_are_refused_where_the_options_say_so(setting: Setting) {
    let options = || setting.database.options().unwrap();
    let refusing = || {
        let mut refusing = options();
        refusing.pending_migrations = PendingMigrations::Refuse;
        refusing
    };
    let error = MySqlStore::open(refusing()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Pending { count: 1.., .. }),
        "{error:?}"
    );
    let first = MySqlStore::migrate(options()).await.unwrap();
    let second = MySqlStore::migrate(options()).await.unwrap();
    assert!(first.from == 0 && first.to > 0, "{first:?}");
    assert_eq!((second.from, second.to), (first.to, first.to));
    MySqlStore::open(refusing()).await.unwrap();
}

pub(crate) async fn a_user_with_rights_on_the_database_alone_is_enough(setting: Setting) {
    let name = setting.database.name();
    // An anonymous user of a fresh server comes before one of any host.
    for host in ["localhost", "'%'"] {
        run(&format!(
            "CREATE USER {name}@{host} IDENTIFIED BY 'it''s @secret'; GRANT ALL ON {name}.* TO {name}@{host}"
        ))
        .await
        .unwrap();
    }
    let address = server(&setting.database);
    let url = format!("mysql://{name}:it's%20%40secret@{address}/{name}");
    let opened = MySqlStore::open(MySqlOptions::parse(&url).unwrap()).await;
    run(&format!("DROP USER {name}@localhost, {name}@'%'"))
        .await
        .unwrap();
    let store = opened.unwrap();
    let ids = users(&store, 2).await;
    store
        .append(&[message(ids[0], ids[1], "m", "text")])
        .await
        .unwrap();
}

/// What the store asks of each connection, as another connection answers it.
pub(crate) async fn connections_are_strict_and_read_what_is_committed(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let settings = relay.take().into_iter().find_map(|command| match command {
        Command::Query(text) if text.contains("ISOLATION LEVEL") => Some(text),
        _ => None,
    });
    let mut connection = connect(&setting.database).await;
    execute(&mut connection, &settings.unwrap()).await;
    let isolation: Vec<(String, String)> = sqlx::query_as("SHOW SESSION VARIABLES LIKE '%\\_isolation'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(
        isolation.iter().any(|(_, level)| level == "READ-COMMITTED"),
        "{isolation:?}"
    );
    let (mode, zone, collation, lock_wait): (String, String, String, i64) = sqlx::query_as(
        "SELECT @@sql_mode, @@time_zone, @@collation_connection, CAST(@@innodb_lock_wait_timeout AS SIGNED)",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(mode.contains("STRICT_ALL_TABLES"), "{mode}");
    assert_eq!((&*zone, &*collation, lock_wait), ("+00:00", "utf8mb4_bin", 2));
}
