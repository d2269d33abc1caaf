//! Users and what they write.

use std::time::{Duration, Instant};

use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use chat_core::Timestamp;
use chat_core::ports::{CreateUser, NewMessage, NewUser, SendPolicy, UserStore};
use chat_core::types::{ConversationId, MessageIdOrigin, UserId};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::database::TestDatabase;

pub(crate) async fn open(database: &TestDatabase) -> MySqlStore {
    open_with(database, |_| {}).await
}

pub(crate) async fn open_with(database: &TestDatabase, change: impl FnOnce(&mut MySqlOptions)) -> MySqlStore {
    let mut options = database.options().unwrap();
    change(&mut options);
    MySqlStore::open(options).await.unwrap()
}

/// A plain connection, as another program has one.
pub(crate) async fn connect(database: &TestDatabase) -> MySqlConnection {
    MySqlConnection::connect(&database.url()).await.unwrap()
}

pub(crate) async fn execute(connection: &mut MySqlConnection, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(connection).await.unwrap();
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        id: None,
        name: name.parse().unwrap(),
        password: None,
    }
}

pub(crate) async fn user(store: &MySqlStore, name: &str) -> UserId {
    match store.create_user(&new_user(name)).await.unwrap() {
        CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => user.id,
    }
}

pub(crate) async fn users(store: &MySqlStore, count: usize) -> Vec<UserId> {
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        ids.push(user(store, &format!("user {number}")).await);
    }
    ids
}

pub(crate) fn message(sender: UserId, receiver: UserId, id: &str, body: &str) -> NewMessage {
    NewMessage {
        conversation: ConversationId::direct(sender, receiver),
        sender,
        id: id.parse().unwrap(),
        id_origin: MessageIdOrigin::Client,
        body: body.parse().unwrap(),
        data: None,
        at: Timestamp::from_millis(1_790_000_000_000),
        policy: SendPolicy::Anyone,
    }
}

/// Waits until a session in the database waits for the lock of a row.
///
/// The tables of `information_schema` that tell it stay as they were while anybody reads them often.
pub(crate) async fn wait_for_lock_wait(database: &TestDatabase) {
    let mut connection = connect(database).await;
    eventually(async || {
        let (_, _, status): (String, String, String) = sqlx::query_as("SHOW ENGINE INNODB STATUS")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let sessions = sessions(&mut connection, database).await;
        let mut waiting = status
            .split("---TRANSACTION ")
            .skip(1)
            .filter(|transaction| transaction.contains("LOCK WAIT"));
        waiting.any(|transaction| {
            let is_of = |session| transaction.contains(&format!("thread id {session},"));
            sessions.iter().any(is_of)
        })
    })
    .await;
    connection.close().await.unwrap();
}

/// The connections to the database, other than this one.
pub(crate) async fn sessions(connection: &mut MySqlConnection, database: &TestDatabase) -> Vec<i64> {
    sqlx::query_scalar(
        "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()",
    )
    .bind(database.name())
    .fetch_all(connection)
    .await
    .unwrap()
}

/// Waits for a condition, with a deadline.
pub(crate) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it did not come to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
