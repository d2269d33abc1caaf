//! Measures `MessageStore::append` on SQLite beside a bare loop of multi-row inserts with the same
//! durability.
//!
//! `cargo run --release -p chat-adapters --features sqlite --example sqlite_append [DIRECTORY]`

use std::path::Path;
use std::time::{Duration, Instant};

use chat_adapters::sqlite::SqliteStore;
use chat_core::Timestamp;
use chat_core::ports::{CreateUser, MessageStore, NewMessage, NewUser, SendPolicy, UserStore};
use chat_core::types::{Body, ConversationId, MessageId, MessageIdOrigin, UserId, UserName};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

type Failure = Box<dyn std::error::Error>;

const USERS: usize = 200;
const RUN_FOR: Duration = Duration::from_secs(4);
const BODY: &str =
    "A message of about a hundred bytes, which is what people write to each other on an average day.";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let base = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let directory = tempfile::tempdir_in(base)?;
    println!("{:>6} {:>14} {:>14}", "batch", "append rows/s", "bare rows/s");
    for size in [1, 10, 100, 500] {
        let store = measure_store(&directory.path().join(format!("store-{size}.db")), size).await?;
        let bare = measure_bare(&directory.path().join(format!("bare-{size}.db")), size).await?;
        println!("{size:>6} {store:>14.0} {bare:>14.0}");
    }
    Ok(())
}

async fn measure_store(path: &Path, size: usize) -> Result<f64, Failure> {
    let store = SqliteStore::open(path).await?;
    let mut users = Vec::new();
    for number in 0..USERS {
        let name = UserName::parse(&format!("user {number}"))?;
        match store
            .create_user(&NewUser {
                id: None,
                name,
                password: None,
            })
            .await?
        {
            CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => {
                users.push(user.id)
            }
        }
    }
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < RUN_FOR {
        let batch: Vec<_> = (rows..rows + size)
            .map(|number| message(&users, number))
            .collect::<Result<_, _>>()?;
        rows += store.append(&batch).await?.len();
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    Ok(rate)
}

/// A message between two of the users: about as many conversations as there are users.
fn message(users: &[UserId], number: usize) -> Result<NewMessage, Failure> {
    let user = |number: usize| users.get(number % users.len()).copied().ok_or("no users");
    let sender = user(number)?;
    Ok(NewMessage {
        conversation: ConversationId::direct(sender, user(number + 1)?),
        sender,
        id: MessageId::parse(&format!("c-{number}"))?,
        id_origin: MessageIdOrigin::Client,
        body: Body::parse(BODY)?,
        data: None,
        at: Timestamp::from_millis(1_790_000_000_000),
        policy: SendPolicy::Anyone,
    })
}

async fn measure_bare(path: &Path, size: usize) -> Result<f64, Failure> {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE Message (conversation TEXT, seq INTEGER, sender INTEGER, id TEXT, body TEXT, at INTEGER,
                               PRIMARY KEY (conversation, seq)) WITHOUT ROWID;
         CREATE UNIQUE INDEX message_by_id ON Message (conversation, sender, id);",
    )
    .execute(&mut connection)
    .await?;
    let statement = format!(
        "INSERT INTO Message VALUES {}",
        vec!["(?,?,?,?,?,?)"; size].join(",")
    );
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < RUN_FOR {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut insert = sqlx::query(AssertSqlSafe(statement.clone()));
        for number in rows..rows + size {
            let sender = number % USERS;
            insert = insert
                .bind(format!("d:{sender}:{}", sender + 1))
                .bind(i64::try_from(number / USERS)?)
                .bind(i64::try_from(sender)?)
                .bind(format!("c-{number}"))
                .bind(BODY)
                .bind(1_790_000_000_000_i64);
        }
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        rows += size;
    }
    Ok(rows as f64 / begun.elapsed().as_secs_f64())
}
