//! What a login costs the store, with many conversations.

use chat_core::types::Token;
use chat_test_services::MariaDb;
use futures_util::future::try_join_all;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _};
use tokio::time::{Duration, Instant, sleep_until};

use super::Context;
use super::sends::database;
use crate::figure::{Figure, Target};
use crate::samples::Samples;
use crate::server::{Server, Store};
use crate::wire::{Client, Frame};

/// Conversations of a user, and how many of them have a message that the device has not got.
const CONVERSATIONS: usize = 1_000;
const WITH_NEWS: u64 = 10;
/// Messages in each conversation: few, and ten times as many.
const STORED: [u64; 2] = [10, 100];
/// Users who log in at the same moment, beside one alone.
const CROWD: u32 = 20;
const LOGINS: usize = 10;
/// What a server asks by itself would be counted too.
const QUIET: &str = "store_probe_interval = \"0s\"\npull_interval = \"1h\"\npresence_check = \"1h\"\n";
/// Acknowledgements and what else a session leaves behind are written by then.
const SETTLING: Duration = Duration::from_millis(700);

/// What MariaDB has counted.
#[derive(Clone, Copy)]
struct Counts {
    statements: f64,
    /// Rows that it looked at.
    rows: f64,
}

pub(super) async fn measure(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let [few_statements, few_rows] = logins(context, 1, STORED[0]).await?;
    let [_, many_rows] = logins(context, 1, STORED[1]).await?;
    let [crowd_statements, _] = logins(context, CROWD, STORED[0]).await?;
    let what = "a login by token with 1,000 conversations, 10 with news, until synced and told of, MariaDB";
    Ok(vec![
        Figure::alone(
            &format!("SQL statements of {what}"),
            "",
            few_statements,
            Target::AtMost(3.0),
        ),
        Figure::alone(
            &format!("the same for each of {CROWD} users who log in at the same moment"),
            "",
            crowd_statements,
            Target::Reported,
        ),
        Figure::compared(
            &format!("rows read by {what}, ten times as much stored, beside as much as before"),
            "",
            many_rows,
            few_rows,
            Target::AtMost(1.05),
        ),
    ])
}

/// Statements and rows of each login of some users at the same moment, with all that the server does because of it.
async fn logins(context: Context<'_>, users: u32, stored: u64) -> anyhow::Result<[Samples; 2]> {
    let mariadb = MariaDb::start()?;
    let url = database(&mariadb, "chat").await?;
    let server = Server::start_with(context.programs, Store::Url(&url), QUIET)?;
    let mut connection = MySqlConnection::connect(&url).await?;
    let tokens: Vec<Token> = (0..users).map(|_| Token::random()).collect::<Result<_, _>>()?;
    sqlx::raw_sql(AssertSqlSafe(rows(stored, &tokens)))
        .execute(&mut connection)
        .await?;
    let (mut statements, mut rows) = <(Samples, Samples)>::default();
    // The first ones fill caches.
    log_in(&server.address, &tokens).await?;
    for _ in 0..LOGINS {
        settle().await;
        // The devices are where they were: nothing that came was acknowledged.
        let before = counts(&mut connection).await?;
        let sessions = log_in(&server.address, &tokens).await?;
        settle().await;
        let after = counts(&mut connection).await?;
        drop(sessions);
        // Asking is counted as well.
        statements.add((after.statements - before.statements - 1.0) / f64::from(users));
        rows.add((after.rows - before.rows) / f64::from(users));
    }
    Ok([statements, rows])
}

async fn settle() {
    sleep_until(Instant::now() + SETTLING).await;
}

/// Connections, one for each token, that are logged in at the same moment and have got everything that was stored.
async fn log_in(address: &str, tokens: &[Token]) -> anyhow::Result<Vec<Client>> {
    let connected = try_join_all(tokens.iter().map(|_| Client::connect(address))).await?;
    let sessions = connected.into_iter().zip(tokens);
    try_join_all(sessions.map(|(client, token)| begin(client, token))).await
}

async fn begin(mut client: Client, token: &Token) -> anyhow::Result<Client> {
    client
        .send(&json!({"type": "login", "token": token.reveal(), "device": "measured"}))
        .await?;
    let mut messages = 0;
    loop {
        match client.next().await? {
            Frame::Message => messages += 1,
            Frame::Synced => break,
            Frame::Sent | Frame::Other => {}
        }
    }
    anyhow::ensure!(messages == WITH_NEWS, "{messages} messages came after the login");
    Ok(client)
}

async fn counts(connection: &mut MySqlConnection) -> anyhow::Result<Counts> {
    let status = "SHOW GLOBAL STATUS WHERE Variable_name = 'Questions' OR Variable_name LIKE 'Handler_read%'";
    let (mut statements, mut rows) = (0.0, 0.0);
    for row in sqlx::raw_sql(status).fetch_all(connection).await? {
        let (name, count): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let count: f64 = count.parse()?;
        if name == "Questions" {
            statements = count;
        } else {
            rows += count;
        }
    }
    Ok(Counts { statements, rows })
}

/// A user with a device for each token, who has got everything but the last message of a few conversations.
fn rows(stored: u64, tokens: &[Token]) -> String {
    let users = tokens.len();
    let (first, last) = (users + 1, users + CONVERSATIONS);
    let (users, others) = (format!("seq_1_to_{users}"), format!("seq_{first}_to_{last}"));
    let token = |(token, user): (&Token, u32)| {
        let hash = token.hash();
        let hash: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("INSERT INTO Token (hash, userid, expires_at) VALUES (X'{hash}', {user}, 32503680000000);")
    };
    let tokens: String = tokens.iter().zip(1..).map(token).collect();
    format!(
        "INSERT INTO User (id, name, name_key) SELECT seq, CONCAT('user ', seq), CONCAT('user ', seq) FROM seq_1_to_{last};
         INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user)
             SELECT CONCAT('d:', u.seq, ':', o.seq), {stored}, 1, 1, u.seq, o.seq FROM {users} u CROSS JOIN {others} o;
         INSERT INTO Message (conversation, seq, sender, id, id_origin, body, at)
             SELECT CONCAT('d:', u.seq, ':', o.seq), m.seq, o.seq, m.seq, 'client', REPEAT('x', 100), 1
               FROM {users} u CROSS JOIN {others} o CROSS JOIN seq_1_to_{stored} m;
         INSERT INTO Device (userid, device, epoch, first_seen_at, last_seen_at, opened_at)
             SELECT seq, 'measured', 1, 1, 1, 1 FROM {users};
         INSERT INTO DeviceCursor (userid, conversation, device, acked_seq)
             SELECT u.seq, CONCAT('d:', u.seq, ':', o.seq), 'measured', {stored} - (o.seq < {first} + {WITH_NEWS})
               FROM {users} u CROSS JOIN {others} o;
         {tokens}
         ANALYZE TABLE User, Conversation, Message, Device, DeviceCursor, Token;"
    )
}
