//! Databases on the server that the variable names. Shared with the tests of the contract.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use chat_adapters::mysql::MySqlOptions;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

/// The URL of a server, of a user who may make databases.
const SERVER: &str = "CHAT_TEST_MYSQL_URL";

/// What opening a store for a test can fail with.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no server; `None` where there is one.
pub(crate) fn unavailable() -> Option<String> {
    server().is_empty().then(|| format!("{SERVER} is not set"))
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_default()
}

/// A database of its own.
#[derive(Clone)]
pub(crate) struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Makes an empty one.
    pub(crate) async fn make() -> Result<Self, Failure> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let name = format!("chat_test_{process}_{number}");
        run(&format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")).await?;
        Ok(Self { name })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        let server = server();
        let (base, parameters) = server.split_once('?').unwrap_or((&server, ""));
        format!("{}/{}?{parameters}", base.trim_end_matches('/'), self.name)
    }

    /// How the store is opened on it: with few connections, since many tests run at once.
    pub(crate) fn options(&self) -> Result<MySqlOptions, Failure> {
        let mut options = MySqlOptions::parse(&self.url())?;
        options.max_connections = NonZeroU32::MIN.saturating_add(3);
        Ok(options)
    }

    /// Removes it with everything in it.
    pub(crate) async fn remove(self) -> Result<(), Failure> {
        run(&format!("DROP DATABASE IF EXISTS {}", self.name)).await
    }
}

/// Runs statements as the server's administrator.
pub(crate) async fn run(statements: &str) -> Result<(), Failure> {
    let mut connection = MySqlConnection::connect(&server()).await?;
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
