//! Measures `MessageStore::append` on MySQL beside a bare loop of multi-row inserts on the same server.
//!
//! `CHAT_TEST_MYSQL_URL=mysql://root@127.0.0.1/ cargo run --release -p chat-adapters --features mysql
//! --example mysql_append`, with the URL of a user who may make databases.

use std::time::{Duration, Instant};

use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use chat_core::Timestamp;
use chat_core::ports::{CreateUser, MessageStore, NewMessage, NewUser, SendPolicy, UserStore};
use chat_core::types::{Body, ConversationId, MessageId, MessageIdOrigin, UserId, UserName};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

type Failure = Box<dyn std::error::Error>;

const USERS: usize = 200;
const RUN_FOR: Duration = Duration::from_secs(4);
const BODY: &str =
    "A message of about a hundred bytes, which is what people write to each other on an average day.";
const DATABASE: &str = "chat_mysql_append";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let server = std::env::var("CHAT_TEST_MYSQL_URL")?;
    println!(
        "{:>6} {:>14} {:>10} {:>10} {:>14}",
        "batch", "append rows/s", "p50 ms", "p99 ms", "bare rows/s"
    );
    for size in [1, 10, 100, 500] {
        administer(
            &server,
            &format!("DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}"),
        )
        .await?;
        let url = format!("{}/{DATABASE}", server.trim_end_matches('/'));
        let store = measure_store(&url, size).await?;
        let bare = measure_bare(&url, size).await?;
        println!(
            "{size:>6} {:>14.0} {:>10.2} {:>10.2} {bare:>14.0}",
            store.rate, store.p50, store.p99
        );
    }
    administer(&server, &format!("DROP DATABASE {DATABASE}")).await
}

async fn administer(server: &str, statements: &str) -> Result<(), Failure> {
    let mut connection = MySqlConnection::connect(server).await?;
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Rows a second, and milliseconds of a call.
struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
}

async fn measure_store(url: &str, size: usize) -> Result<Measured, Failure> {
    let store = MySqlStore::open(MySqlOptions::parse(url)?).await?;
    let mut users = Vec::new();
    for number in 0..USERS {
        let name = UserName::parse(&format!("user {number}"))?;
        let new = NewUser {
            id: None,
            name,
            password: None,
        };
        match store.create_user(&new).await? {
            CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => {
                users.push(user.id);
            }
        }
    }
    let (begun, mut rows, mut times) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < RUN_FOR {
        let batch: Vec<_> = (rows..rows + size)
            .map(|number| message(&users, number))
            .collect::<Result<_, _>>()?;
        let call = Instant::now();
        rows += store.append(&batch).await?.len();
        times.push(call.elapsed().as_secs_f64() * 1_000.0);
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Ok(Measured {
        rate,
        p50: at(50),
        p99: at(99),
    })
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

/// The same rows under the same keys, numbered by the program, one transaction a batch.
async fn measure_bare(url: &str, size: usize) -> Result<f64, Failure> {
    let mut connection = MySqlConnection::connect(url).await?;
    sqlx::raw_sql("CREATE TABLE Bare LIKE Message")
        .execute(&mut connection)
        .await?;
    let statement = format!(
        "INSERT INTO Bare (conversation, seq, sender, id, id_origin, body, at) VALUES {}",
        vec!["(?, ?, ?, ?, ?, ?, ?)"; size].join(", ")
    );
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < RUN_FOR {
        let mut transaction = connection.begin().await?;
        let mut insert = sqlx::query(AssertSqlSafe(statement.clone()));
        for number in rows..rows + size {
            let sender = number % USERS;
            insert = insert
                .bind(format!("d:{sender}:{}", sender + 1))
                .bind(i64::try_from(number / USERS)? + 1)
                .bind(i64::try_from(sender)?)
                .bind(format!("c-{number}"))
                .bind("client")
                .bind(BODY)
                .bind(1_790_000_000_000_i64);
        }
        insert.execute(&mut *transaction).await?;
        transaction.commit().await?;
        rows += size;
    }
    Ok(rows as f64 / begun.elapsed().as_secs_f64())
}
