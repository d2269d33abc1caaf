//! Multi-row inserts into a SQLite file with the chat's tables.

use std::path::Path;

use anyhow::Result;
use chat_adapters::sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use crate::rows::{AT, Append, BODY, Row, conversations, numbered};

/// A connection, and nothing around it.
pub(crate) struct Bare(SqliteConnection);

impl Bare {
    /// Opens a new file. The store makes the tables, so that they are the same.
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        SqliteStore::open(file).await?.close().await;
        let connection = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // The users are not there.
            .foreign_keys(false)
            .disable_statement_logging()
            .connect()
            .await?;
        Ok(Self(connection))
    }
}

impl Append for Bare {
    async fn append(&mut self, batch: &[Row]) -> Result<()> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        let counts = conversations(batch);
        let raise = statement(
            "INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user) VALUES ",
            "(?, ?, ?, ?, ?, ?)",
            counts.len(),
            " ON CONFLICT (id) DO UPDATE SET last_seq = last_seq + excluded.last_seq, last_at = excluded.last_at,
                                             updated_at = excluded.updated_at
              RETURNING id, last_seq",
        );
        let mut query = sqlx::query_as(raise);
        for (id, count, row) in &counts {
            query = query
                .bind(id)
                .bind(count)
                .bind(AT)
                .bind(AT)
                .bind(row.sender)
                .bind(row.receiver());
        }
        let last: Vec<(String, i64)> = query.fetch_all(&mut *transaction).await?;

        let insert = statement(
            "INSERT INTO Message (conversation, seq, sender, id, id_origin, body, at) VALUES ",
            "(?, ?, ?, ?, 'client', ?, ?)",
            batch.len(),
            "",
        );
        let mut query = sqlx::query(insert);
        for (conversation, seq, row) in numbered(batch, last, &counts)? {
            query = query
                .bind(conversation)
                .bind(seq)
                .bind(row.sender)
                .bind(row.id())
                .bind(BODY)
                .bind(AT);
        }
        query.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn close(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

/// The statement for a number of rows. Values are parameters, so the text is safe.
fn statement(head: &str, row: &str, rows: usize, tail: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe([head, &vec![row; rows].join(", "), tail].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_conversation_is_numbered_without_a_gap() {
        let directory = tempfile::tempdir().unwrap();
        let mut bare = Bare::open(&directory.path().join("test.db")).await.unwrap();
        for first in [0, 7] {
            let batch: Vec<_> = (first..first + 7).map(|number| Row::new(number, 3)).collect();
            bare.append(&batch).await.unwrap();
        }
        let heads: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT c.id, c.last_seq, MAX(m.seq), COUNT(*) FROM Conversation c JOIN Message m ON m.conversation = c.id
              GROUP BY c.id ORDER BY c.id",
        )
        .fetch_all(&mut bare.0)
        .await
        .unwrap();
        let expected = [("d:1:2", 5), ("d:2:3", 5), ("d:3:4", 4)];
        assert_eq!(
            heads,
            expected.map(|(id, count)| (id.to_owned(), count, count, count))
        );
    }
}
