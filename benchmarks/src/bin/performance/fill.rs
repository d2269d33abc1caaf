//! Fills a store with what years of use leave, by SQL that makes the rows within the database.

use std::path::Path;

use anyhow::{Result, ensure};
use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use chat_adapters::sqlite::SqliteStore;
use clap::Args;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection, SqliteConnection};

/// The ids begin with these, so that all have the same length: their texts are then in the order of the numbers, and
/// rows are added at the end of each index, which is what makes this fast.
const FIRST_USER: u64 = 1_000_001;
const FIRST_GROUP: u64 = 100_001;
/// Members of each group.
const MEMBERS: u64 = 10;
/// Messages of a pair; the other half of all messages is in groups.
const MESSAGES_OF_A_PAIR: u64 = 10;
/// Messages in one transaction, about.
const PIECE: u64 = 500_000;
const AT: &str = "1790000000000";
const BODY: &str =
    "A message of about a hundred bytes, which is what people write to each other on an average day.";

/// How much there is to be.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Amounts {
    /// Messages, half of them in groups
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) messages: u64,
    /// Users
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) users: u64,
    /// Groups of ten members each
    #[arg(long, default_value_t = 100_000)]
    pub(crate) groups: u64,
}

/// An open database that takes statements.
enum Database {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

/// Fills a new file.
pub(crate) async fn sqlite(file: &Path, amounts: Amounts) -> Result<()> {
    SqliteStore::open(file).await?.close().await;
    let connection = SqliteConnectOptions::new()
        .filename(file)
        // A fill that is interrupted begins anew.
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .disable_statement_logging()
        .connect()
        .await?;
    let mut database = Database::Sqlite(connection);
    fill(&mut database, amounts).await?;
    database.run("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").await
}

/// Fills a database of MariaDB that is empty.
pub(crate) async fn mysql(url: &str, amounts: Amounts) -> Result<()> {
    MySqlStore::open(MySqlOptions::parse(url)?).await?.close().await;
    let mut database = Database::MySql(MySqlConnection::connect(url).await?);
    database.run("SET SESSION unique_checks = 0").await?;
    fill(&mut database, amounts).await?;
    database
        .run("ANALYZE TABLE User, AllGroup, GroupUser, Conversation, Message")
        .await
}

async fn fill(database: &mut Database, amounts: Amounts) -> Result<()> {
    let needed = amounts.messages / MESSAGES_OF_A_PAIR;
    ensure!(
        amounts.users >= needed,
        "so many messages need {needed} users; give more with --users"
    );
    for statement in people(database, amounts) {
        database.run(&statement).await?;
    }
    let pairs = Conversations {
        id: "CONCAT('d:', c.n * 2 - 1, ':', c.n * 2)",
        sender: "c.n * 2 - m.n % 2",
        columns: "c.n * 2 - 1, c.n * 2, NULL",
        first: FIRST_USER.div_ceil(2),
        count: amounts.messages / 2 / MESSAGES_OF_A_PAIR,
        messages: MESSAGES_OF_A_PAIR,
    };
    // Members are users in a row, as `people` has them join.
    let sender = format!(
        "{FIRST_USER} + ((c.n - {FIRST_GROUP}) * {MEMBERS} + m.n % {MEMBERS}) % {}",
        amounts.users.max(1)
    );
    let groups = Conversations {
        id: "CONCAT('g:', c.n)",
        sender: &sender,
        columns: "NULL, NULL, c.n",
        first: FIRST_GROUP,
        count: amounts.groups,
        messages: (amounts.messages / 2)
            .checked_div(amounts.groups)
            .unwrap_or_default(),
    };
    for conversations in [pairs, groups] {
        conversations.fill(database).await?;
    }
    Ok(())
}

/// Users, groups and their members.
fn people(database: &Database, amounts: Amounts) -> [String; 3] {
    let users = database.numbers(FIRST_USER, amounts.users);
    let groups = database.numbers(FIRST_GROUP, amounts.groups);
    let members = database.numbers(0, MEMBERS);
    [
        format!(
            "INSERT INTO User (id, name, name_key) SELECT n, CONCAT('filled ', n), CONCAT('filled ', n) FROM {users} u"
        ),
        format!(
            "INSERT INTO AllGroup (id, groupname, name_key, members)
             SELECT n, CONCAT('filled ', n), CONCAT('filled ', n), {MEMBERS} FROM {groups} g"
        ),
        format!(
            "INSERT INTO GroupUser (groupid, userid)
             SELECT g.n, {FIRST_USER} + ((g.n - {FIRST_GROUP}) * {MEMBERS} + m.n) % {} FROM {groups} g CROSS JOIN {members} m",
            amounts.users.max(1)
        ),
    ]
}

/// Conversations of one kind, by SQL in which `c.n` is the number of one and `m.n` that of a message in it.
struct Conversations<'s> {
    id: &'s str,
    sender: &'s str,
    /// The lower user, the higher one, the group.
    columns: &'s str,
    first: u64,
    count: u64,
    messages: u64,
}

impl Conversations<'_> {
    async fn fill(&self, database: &mut Database) -> Result<()> {
        let Self {
            id, sender, columns, ..
        } = self;
        let mut done = 0;
        while done < self.count {
            let count = (PIECE / self.messages.max(1)).clamp(1, self.count - done);
            let conversations = database.numbers(self.first + done, count);
            let messages = database.numbers(1, self.messages);
            // Those of groups are there from a group's beginning on.
            let begin = format!(
                "INSERT INTO Conversation (id, last_seq, last_at, updated_at, low_user, high_user, groupid)
                 SELECT {id}, {}, {AT}, {AT}, {columns} FROM {conversations} c",
                self.messages
            );
            let store = format!(
                "INSERT INTO Message (conversation, seq, sender, id, id_origin, body, at)
                 SELECT {id}, m.n, {sender}, CONCAT('m-', m.n), 'client', '{BODY}', {AT}
                   FROM {conversations} c CROSS JOIN {messages} m ORDER BY c.n, m.n"
            );
            database.run(&begin).await?;
            database.run(&store).await?;
            done += count;
        }
        Ok(())
    }
}

impl Database {
    /// A table with a column `n` of so many numbers.
    fn numbers(&self, first: u64, count: u64) -> String {
        let Some(last) = (first + count).checked_sub(1).filter(|_| count > 0) else {
            return "(SELECT 0 AS n WHERE FALSE)".to_owned();
        };
        match self {
            Self::Sqlite(_) => format!(
                "(WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
                  SELECT n FROM numbers)"
            ),
            Self::MySql(_) => format!("(SELECT seq AS n FROM seq_{first}_to_{last})"),
        }
    }

    /// Runs statements that the program made.
    async fn run(&mut self, statements: &str) -> Result<()> {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match self {
            Self::Sqlite(connection) => statements.execute(connection).await.map(|_| ()),
            Self::MySql(connection) => statements.execute(connection).await.map(|_| ()),
        }?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_filled_file_has_what_was_asked_for_and_all_of_it_belongs_together() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("filled.db");
        let amounts = Amounts {
            messages: 4_000,
            users: 600,
            groups: 40,
        };
        sqlite(&file, amounts).await.unwrap();
        let mut connection = SqliteConnectOptions::new()
            .filename(&file)
            .connect()
            .await
            .unwrap();
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM Message), (SELECT COUNT(*) FROM User), (SELECT COUNT(*) FROM AllGroup),
                    (SELECT COUNT(*) FROM GroupUser)",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(counts, (4_000, 600, 40, 400));
        let orphans = sqlx::query("PRAGMA foreign_key_check")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(orphans.len(), 0);
        let wrong: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM Message m JOIN Conversation c ON c.id = m.conversation
              WHERE m.seq > c.last_seq OR m.sender NOT IN (c.low_user, c.high_user)
                 OR c.groupid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM GroupUser g WHERE g.groupid = c.groupid AND g.userid = m.sender)",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(wrong, 0);
    }
}
