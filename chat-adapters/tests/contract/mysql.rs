//! MySQL: every case on a database of its own, on the server that the variable names.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::ports::Stores;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

/// The URL of a server, of a user who may make databases.
const SERVER: &str = "CHAT_TEST_MYSQL_URL";

/// A database that is made for the first handle and dropped at the end.
struct Database {
    name: String,
    handles: Mutex<Vec<MySqlStore>>,
}

impl Default for Database {
    fn default() -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let (process, case) = (std::process::id(), CASES.fetch_add(1, Ordering::Relaxed));
        Self {
            name: format!("chat_contract_{process}_{case}"),
            handles: Mutex::default(),
        }
    }
}

impl Database {
    /// Runs a statement that is about the database itself.
    async fn administer(&self, statement: &str) -> Result<(), sqlx::Error> {
        let mut connection = MySqlConnection::connect(&server()).await?;
        let statement = AssertSqlSafe(format!("{statement} {}", self.name));
        sqlx::raw_sql(statement).execute(&mut connection).await?;
        connection.close().await
    }

    async fn handle(&self) -> Result<MySqlStore, Box<dyn std::error::Error + Send + Sync>> {
        self.administer("CREATE DATABASE IF NOT EXISTS").await?;
        let mut options = MySqlOptions::parse(&url_of(&self.name))?;
        options.max_connections = NonZeroU32::new(4).expect("not zero");
        Ok(MySqlStore::open(options).await?)
    }
}

fn server() -> String {
    std::env::var(SERVER).unwrap_or_default()
}

/// The URL of a database on the server.
fn url_of(name: &str) -> String {
    let server = server();
    let (base, parameters) = server.split_once('?').unwrap_or((&server, ""));
    format!("{}/{name}?{parameters}", base.trim_end_matches('/'))
}

#[async_trait]
impl Fixture for Database {
    type Port = Stores;

    async fn open(&self) -> Result<Stores, BackendError> {
        let opened = self.handle().await;
        let store = opened.map_err(|error| BackendError::not_done("cannot open").because(error))?;
        self.handles.lock().expect("not poisoned").push(store.clone());
        Ok(Stores::of(Arc::new(store)))
    }

    async fn close(&self) {
        let handles = std::mem::take(&mut *self.handles.lock().expect("not poisoned"));
        for store in handles {
            store.close().await;
        }
        if let Err(error) = self.administer("DROP DATABASE IF EXISTS").await {
            println!("{} stays: {error}", self.name);
        }
    }

    fn unavailable(&self) -> Option<String> {
        server().is_empty().then(|| format!("{SERVER} is not set"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: true,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    contract::stores("mysql", Database::default)
}
