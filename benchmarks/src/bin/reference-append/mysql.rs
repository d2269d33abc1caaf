//! Multi-row inserts into a database of MySQL or MariaDB with the chat's tables.

use std::iter;

use anyhow::Result;
use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection};

use crate::rows::{AT, Append, BODY, Row, conversations, numbered};

/// The name of the database that is made and removed.
const NAME: &str = "chat_reference_append";
/// More than there are shapes: a statement that is pushed out costs the wait for a delayed acknowledgement.
const STATEMENTS_KEPT: usize = 512;

/// A database for one run.
pub(crate) struct Database {
    server: String,
    url: String,
}

impl Database {
    /// Makes an empty one on a server, in place of one that a broken run left.
    pub(crate) async fn create(server: &str) -> Result<Self> {
        administer(
            server,
            &format!("DROP DATABASE IF EXISTS {NAME}; CREATE DATABASE {NAME}"),
        )
        .await?;
        Ok(Self {
            server: server.to_owned(),
            url: format!("{}/{NAME}", server.trim_end_matches('/')),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn remove(self) -> Result<()> {
        administer(&self.server, &format!("DROP DATABASE {NAME}")).await
    }
}

async fn administer(server: &str, statements: &str) -> Result<()> {
    let mut connection = MySqlConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// A connection, and nothing around it.
pub(crate) struct Bare(MySqlConnection);

impl Bare {
    /// Opens an empty database. The store makes the tables, so that they are the same.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        MySqlStore::open(MySqlOptions::parse(url)?).await?.close().await;
        let options: MySqlConnectOptions = url.parse()?;
        let connection = options
            .statement_cache_capacity(STATEMENTS_KEPT)
            .disable_statement_logging()
            .connect()
            .await?;
        Ok(Self(connection))
    }

    /// Raises the conversations of a batch, and answers how far each has come.
    async fn raise(&mut self, counts: &[(String, i64, Row)]) -> Result<Vec<(String, i64)>> {
        let rows = counts.len().next_power_of_two();
        let raise = statement(
            "INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user) VALUES ",
            "(?, ?, ?, ?, ?, ?)",
            rows,
            " ON DUPLICATE KEY UPDATE last_seq = last_seq + VALUES(last_seq), last_at = VALUES(last_at),
                                      updated_at = VALUES(updated_at)",
        );
        let mut query = sqlx::query(raise);
        // The last one again adds nothing to itself.
        let padding = counts.last().map(|(id, _, row)| (id, 0, row));
        let given = counts.iter().map(|(id, count, row)| (id, *count, row));
        for (id, count, row) in given.chain(iter::repeat_with(|| padding).flatten()).take(rows) {
            query = query
                .bind(id)
                .bind(count)
                .bind(AT)
                .bind(AT)
                .bind(row.sender)
                .bind(row.receiver());
        }
        query.execute(&mut self.0).await?;

        let read = statement(
            "SELECT id, last_seq FROM Conversation WHERE id IN (",
            "?",
            rows,
            ")",
        );
        let mut query = sqlx::query_as(read);
        let padding = counts.last().map(|(id, ..)| id);
        let given = counts.iter().map(|(id, ..)| id);
        for id in given.chain(iter::repeat_with(|| padding).flatten()).take(rows) {
            query = query.bind(id);
        }
        Ok(query.fetch_all(&mut self.0).await?)
    }

    /// Inserts messages: a full batch in one statement, what is left of another in few.
    async fn insert(&mut self, mut messages: &[(String, i64, Row)], full: usize) -> Result<()> {
        while !messages.is_empty() {
            let rows = if messages.len() == full {
                full
            } else {
                1 << messages.len().ilog2()
            };
            let Some((now, later)) = messages.split_at_checked(rows) else {
                break;
            };
            let insert = statement(
                "INSERT INTO Message (conversation, seq, sender, id, id_origin, body, at) VALUES ",
                "(?, ?, ?, ?, 'client', ?, ?)",
                rows,
                "",
            );
            let mut query = sqlx::query(insert);
            for (conversation, seq, row) in now {
                query = query
                    .bind(conversation)
                    .bind(seq)
                    .bind(row.sender)
                    .bind(row.id())
                    .bind(BODY)
                    .bind(AT);
            }
            query.execute(&mut self.0).await?;
            messages = later;
        }
        Ok(())
    }

    async fn run(&mut self, statement: &'static str) -> Result<()> {
        sqlx::raw_sql(statement).execute(&mut self.0).await?;
        Ok(())
    }
}

impl Append for Bare {
    async fn append(&mut self, batch: &[Row]) -> Result<()> {
        self.run("START TRANSACTION").await?;
        let counts = conversations(batch);
        let last = self.raise(&counts).await?;
        let messages = numbered(batch, last, &counts)?;
        self.insert(&messages, FULL).await?;
        self.run("COMMIT").await
    }

    async fn close(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

/// The size of a batch that is usual, for which there is a statement of its own.
const FULL: usize = 500;

/// The statement for a number of rows. Values are parameters, so the text is safe.
fn statement(head: &str, row: &str, rows: usize, tail: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe([head, &vec![row; rows].join(", "), tail].concat())
}
