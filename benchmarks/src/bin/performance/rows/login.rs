//! What a login costs the store, with many conversations.

use chat_core::types::Token;
use chat_test_services::MariaDb;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _};
use tokio::time::{Duration, Instant, sleep_until};

use super::Context;
use super::sends::database;
use crate::figure::{Figure, Target};
use crate::samples::Samples;
use crate::server::{Server, Store};
use crate::wire::{Client, Frame};

/// Conversations of the user, and how many of them have a message that the device has not got.
const CONVERSATIONS: u64 = 1_000;
const WITH_NEWS: u64 = 10;
/// Messages in each conversation: few, and ten times as many.
const STORED: [u64; 2] = [10, 100];
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
    let [few, many] = [
        logins(context, STORED[0]).await?,
        logins(context, STORED[1]).await?,
    ];
    let what = "a login by token with 1,000 conversations, 10 with news, until synced, MariaDB";
    let [few_statements, few_rows] = few;
    let [_, many_rows] = many;
    Ok(vec![
        Figure::alone(
            &format!("SQL statements of {what}"),
            "",
            few_statements,
            Target::AtMost(3.0),
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

/// Statements and rows of each login.
async fn logins(context: Context<'_>, stored: u64) -> anyhow::Result<[Samples; 2]> {
    let mariadb = MariaDb::start()?;
    let url = database(&mariadb, "chat").await?;
    let server = Server::start_with(context.programs, Store::Url(&url), QUIET)?;
    let mut connection = MySqlConnection::connect(&url).await?;
    let token = Token::random()?;
    sqlx::raw_sql(AssertSqlSafe(rows(stored, &token)))
        .execute(&mut connection)
        .await?;
    let (mut statements, mut rows) = <(Samples, Samples)>::default();
    // The first one fills caches.
    log_in(&server.address, &token).await?;
    for _ in 0..LOGINS {
        settle().await;
        // The device is where it was: nothing that came was acknowledged.
        let before = counts(&mut connection).await?;
        let session = log_in(&server.address, &token).await?;
        let after = counts(&mut connection).await?;
        drop(session);
        // Asking is counted as well.
        statements.add(after.statements - before.statements - 1.0);
        rows.add(after.rows - before.rows);
    }
    Ok([statements, rows])
}

async fn settle() {
    sleep_until(Instant::now() + SETTLING).await;
}

/// A connection that is logged in and has got everything that was stored.
async fn log_in(address: &str, token: &Token) -> anyhow::Result<Client> {
    let mut client = Client::connect(address).await?;
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

/// A user with a device and a token, who has got everything but the last message of a few conversations.
fn rows(stored: u64, token: &Token) -> String {
    let last = CONVERSATIONS + 1;
    let others = format!("seq_2_to_{last}");
    let hash: String = token
        .hash()
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "INSERT INTO User (id, name, name_key) SELECT seq, CONCAT('user ', seq), CONCAT('user ', seq) FROM seq_1_to_{last};
         INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user)
             SELECT CONCAT('d:1:', seq), {stored}, 1, 1, 1, seq FROM {others};
         INSERT INTO Message (conversation, seq, sender, id, id_origin, body, at)
             SELECT CONCAT('d:1:', c.seq), m.seq, c.seq, m.seq, 'client', REPEAT('x', 100), 1
               FROM {others} c CROSS JOIN seq_1_to_{stored} m;
         INSERT INTO Device (userid, device, epoch, first_seen_at, last_seen_at, opened_at)
             VALUES (1, 'measured', 1, 1, 1, 1);
         INSERT INTO DeviceCursor (userid, conversation, device, acked_seq)
             SELECT 1, CONCAT('d:1:', seq), 'measured', {stored} - (seq <= {WITH_NEWS} + 1) FROM {others};
         INSERT INTO Token (hash, userid, expires_at) VALUES (X'{hash}', 1, 32503680000000);
         ANALYZE TABLE User, Conversation, Message, Device, DeviceCursor, Token;"
    )
}
