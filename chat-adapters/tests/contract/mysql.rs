//! MySQL: every case on an empty database, on the server that the variable names.

#[path = "../mysql/database.rs"]
mod database;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_adapters::mysql::MySqlStore;
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::ports::Stores;
use tokio::sync::OnceCell;

use database::{Failure, TestDatabase, run, unavailable};

/// Databases that cases have emptied: making the tables anew takes most of a case's time.
static EMPTY: Mutex<Vec<TestDatabase>> = Mutex::new(Vec::new());

const TABLES: [&str; 10] = [
    "AllGroup",
    "Conversation",
    "Device",
    "DeviceCursor",
    "Friend",
    "GroupChange",
    "GroupUser",
    "Message",
    "Token",
    "User",
];

/// A database that nobody else uses meanwhile.
#[derive(Default)]
pub(crate) struct Empty {
    database: OnceCell<TestDatabase>,
    handles: Mutex<Vec<MySqlStore>>,
}

impl Empty {
    async fn handle(&self) -> Result<MySqlStore, Failure> {
        let database = self.database.get_or_try_init(take).await?;
        Ok(MySqlStore::open(database.options()?).await?)
    }
}

async fn take() -> Result<TestDatabase, Failure> {
    let emptied = EMPTY.lock().expect("not poisoned").pop();
    match emptied {
        Some(database) => Ok(database),
        None => TestDatabase::make().await,
    }
}

/// Removes every row. Ids begin anew too, since cases ask for some of their own.
async fn empty(database: &TestDatabase) -> Result<(), Failure> {
    let name = database.name();
    let mut statements: Vec<_> = TABLES.map(|table| format!("DELETE FROM {name}.{table}")).into();
    statements.insert(0, "BEGIN".to_owned());
    statements.push("COMMIT".to_owned());
    for table in ["User", "AllGroup"] {
        statements.push(format!("ALTER TABLE {name}.{table} AUTO_INCREMENT = 1"));
    }
    run(&statements.join(";")).await
}

#[async_trait]
impl Fixture for Empty {
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
        let Some(database) = self.database.get() else {
            return;
        };
        match empty(database).await {
            Ok(()) => EMPTY.lock().expect("not poisoned").push(database.clone()),
            Err(error) => println!("{} stays: {error}", database.name()),
        }
    }

    fn unavailable(&self) -> Option<String> {
        unavailable()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: true,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    contract::stores("mysql", Empty::default)
}

/// Removes the databases, once all cases are done.
pub(crate) async fn clean_up() {
    let emptied = std::mem::take(&mut *EMPTY.lock().expect("not poisoned"));
    for database in emptied {
        if let Err(error) = database.remove().await {
            println!("a database stays: {error}");
        }
    }
}
