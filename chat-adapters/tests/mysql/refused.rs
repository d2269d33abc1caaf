//! Databases that are refused, and rows that cannot be right.

use chat_adapters::mysql::{MySqlOptions, MySqlStore, OpenError};
use chat_core::BackendErrorKind;
use chat_core::ports::UserStore;

use crate::harness::Setting;
use crate::relay::server;
use crate::scene::{connect, execute, open, user};

pub(crate) async fn a_database_of_another_program_is_refused_and_left_as_it_is(setting: Setting) {
    let mut connection = connect(&setting.database).await;
    execute(&mut connection, "CREATE TABLE Recipe (id INT PRIMARY KEY)").await;
    let error = MySqlStore::open(setting.database.options().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::OtherDatabase { .. }), "{error:?}");
    let tables: Vec<String> = sqlx::query_scalar("SHOW TABLES")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, ["Recipe"]);
}

pub(crate) async fn a_database_of_a_newer_version_is_refused_by_open_and_by_migrate(setting: Setting) {
    let options = || setting.database.options().unwrap();
    MySqlStore::migrate(options()).await.unwrap();
    let mut connection = connect(&setting.database).await;
    execute(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    let errors = [
        MySqlStore::open(options()).await.unwrap_err(),
        MySqlStore::migrate(options()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error, OpenError::NewerVersion { found: 9999, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("newer program"), "{error}");
    }
}

pub(crate) async fn a_server_a_user_and_a_database_that_are_not_there_are_told_apart(setting: Setting) {
    let address = server(&setting.database);
    let missing = setting
        .database
        .url()
        .replace(setting.database.name(), "chat_no_such_database");
    let nobody = format!("mysql://nobody:secret@{address}/{}", setting.database.name());
    let unreachable = "mysql://nobody:secret@127.0.0.1:1/chat";
    let mut errors = Vec::new();
    for url in [&missing, &nobody, unreachable] {
        let error = MySqlStore::open(MySqlOptions::parse(url).unwrap())
            .await
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        errors.push(error);
    }
    assert!(
        matches!(errors[0], OpenError::NoSuchDatabase { .. }),
        "{errors:?}"
    );
    assert!(matches!(errors[1], OpenError::AccessDenied { .. }), "{errors:?}");
    assert!(matches!(errors[2], OpenError::Unreachable { .. }), "{errors:?}");
}

pub(crate) async fn a_row_that_cannot_be_right_is_a_defect(setting: Setting) {
    let store = open(&setting.database).await;
    let alice = user(&store, "alice").await;
    let mut connection = connect(&setting.database).await;
    execute(&mut connection, "UPDATE User SET name = ''").await;
    let error = store.users(&[alice]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Broken, "{error:?}");
}
