//! SQLite: every case on a file of its own.

use std::sync::Arc;

use async_trait::async_trait;
use chat_adapters::sqlite::SqliteStore;
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::ports::Stores;
use tempfile::TempDir;

/// A file in a directory of its own; every handle opens it anew.
struct File(TempDir);

impl Default for File {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }
}

#[async_trait]
impl Fixture for File {
    type Port = Stores;

    async fn open(&self) -> Result<Stores, BackendError> {
        let opened = SqliteStore::open(self.0.path().join("chat.db")).await;
        let store = opened.map_err(|error| BackendError::not_done("cannot open").because(error))?;
        Ok(Stores::of(Arc::new(store)))
    }

    /// The directory goes with the fixture.
    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: true,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    contract::stores("sqlite", File::default)
}
