//! Databases of the original system, on a real server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use chat_test_services::MariaDb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use tokio::runtime::Runtime;

/// The five tables as the original's guide makes them, with `{…}` for a table's name.
const TABLES: &str = "
    CREATE TABLE {User} (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) UNIQUE, password VARCHAR(50),
                         state ENUM('online', 'offline') DEFAULT 'offline');
    CREATE TABLE {Friend} (userid INT NOT NULL, friendid INT NOT NULL);
    CREATE TABLE {AllGroup} (id INT PRIMARY KEY AUTO_INCREMENT, groupname VARCHAR(50) UNIQUE,
                             groupdesc VARCHAR(200) DEFAULT '');
    CREATE TABLE {GroupUser} (groupid INT NOT NULL, userid INT NOT NULL,
                              grouprole ENUM('creator', 'normal') DEFAULT 'normal');
    CREATE TABLE {OfflineMessage} (userid INT, message VARCHAR(500));";

/// A database of the original system. Dropping it drops the database.
pub(crate) struct Original {
    name: String,
    server: Arc<Server>,
    runtime: Runtime,
}

/// The server that the variable names, or one that the running tests share.
struct Server {
    url: String,
    _started: Option<Mutex<MariaDb>>,
}

impl Server {
    fn shared() -> Arc<Self> {
        static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(match std::env::var("CHAT_TEST_MYSQL_URL") {
            Ok(url) => Self { url, _started: None },
            Err(_) => {
                let started = MariaDb::start().unwrap();
                Self {
                    url: started.url(),
                    _started: Some(Mutex::new(started)),
                }
            }
        });
        *shared = Arc::downgrade(&server);
        server
    }
}

impl Original {
    /// A database without rows, whose texts are compared byte for byte.
    pub(crate) fn new() -> Self {
        Self::with("CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", str::to_owned)
    }

    /// A database with this character set, whose tables are named by `name`.
    pub(crate) fn with(character_set: &str, name: fn(&str) -> String) -> Self {
        let original = Self::empty(character_set);
        let mut tables = TABLES.to_owned();
        for table in ["User", "Friend", "AllGroup", "GroupUser", "OfflineMessage"] {
            tables = tables.replace(&format!("{{{table}}}"), &format!("`{}`", name(table)));
        }
        original.execute(&tables);
        original
    }

    /// A database without tables.
    pub(crate) fn empty(character_set: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let original = Self {
            name: format!("chat_import_{}_{count}", std::process::id()),
            server: Server::shared(),
            runtime: Runtime::new().unwrap(),
        };
        original.on_server(&format!("CREATE DATABASE {} {character_set}", original.name));
        original
    }

    /// What `--from` and a store are given.
    pub(crate) fn url(&self) -> String {
        self.url_of(&self.name)
    }

    fn url_of(&self, database: &str) -> String {
        let (base, parameters) = self.server.url.split_once('?').unwrap_or((&self.server.url, ""));
        format!("{}/{database}?{parameters}", base.trim_end_matches('/'))
    }

    /// Runs statements as they are written.
    pub(crate) fn execute(&self, statements: &str) {
        self.run(&self.url(), statements);
    }

    fn on_server(&self, statement: &str) {
        self.run(&self.server.url, statement);
    }

    fn run(&self, url: &str, statements: &str) {
        self.runtime.block_on(async {
            let mut connection = MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        });
    }

    /// Adds rows to `OfflineMessage`, byte for byte.
    pub(crate) fn wait(&self, rows: &[(i64, &str)]) {
        self.runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
            for (user, message) in rows {
                sqlx::query("INSERT INTO OfflineMessage VALUES (?, ?)")
                    .bind(user)
                    .bind(message)
                    .execute(&mut connection)
                    .await
                    .unwrap();
            }
            connection.close().await.unwrap();
        });
    }

    /// A checksum of everything in it.
    pub(crate) fn checksum(&self) -> Vec<(String, i64)> {
        self.runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
            let sums = sqlx::query_as("CHECKSUM TABLE User, Friend, AllGroup, GroupUser, OfflineMessage")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            sums
        })
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        self.on_server(&format!("DROP DATABASE {}", self.name));
    }
}

/// A one-to-one message as the original server relays it.
pub(crate) fn direct(sender: u64, receiver: u64, text: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(
        r#"{{"id":{sender},"msg":{text},"msgid":5,"name":"x","time":"2020-02-22 00:08:56","toid":{receiver}}}"#
    )
}

/// A group's message as the original server relays it.
pub(crate) fn to_group(sender: u64, group: u64, text: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(
        r#"{{"groupid":{group},"id":{sender},"msg":{text},"msgid":10,"name":"x","time":"2020-02-22 00:08:56"}}"#
    )
}
