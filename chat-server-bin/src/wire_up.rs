//! From settings to backends: with `cluster.rs`, the only place that names concrete adapters.

use std::sync::Arc;

use chat_adapters::sqlite::SqliteStore;
use chat_core::memory::MemoryBackends;
use chat_core::ports::{Backends, Stores};

use crate::chosen::{Chosen, Store};
use crate::cluster::{self, Cluster};
use crate::config::Settings;
use crate::failure::{Failure, FailureKind};

/// What a server stands on, and what has to be closed at its end.
pub(crate) struct Wired {
    pub(crate) backends: Backends,
    sqlite: Option<Arc<SqliteStore>>,
    cluster: Cluster,
}

/// Opens every backend that the settings name, but for the event log.
pub(crate) async fn wire_up(settings: &Settings) -> Result<Wired, Failure> {
    let chosen = Chosen::of(settings).map_err(Failure::setting)?;
    let mut backends = MemoryBackends::default().backends();
    let mut sqlite = None;
    if let Store::Sqlite(path) = &chosen.store {
        let store = Arc::new(SqliteStore::open(path.as_path()).await.map_err(store_failure)?);
        backends.stores = Stores::of(Arc::clone(&store));
        sqlite = Some(store);
    }
    let cluster = Cluster::open(settings, &chosen, &mut backends).await?;
    if let Some(warning) = chosen.warning() {
        tracing::warn!("{warning}");
    }
    Ok(Wired {
        backends,
        sqlite,
        cluster,
    })
}

impl Wired {
    /// Closes what was opened; a SQLite store is one file again.
    pub(crate) async fn close(self) {
        self.cluster.close().await;
        if let Some(store) = self.sqlite {
            store.close().await;
        }
    }
}

/// Applies what the store lacks, and says so.
pub(crate) async fn migrate(settings: &Settings) -> Result<String, Failure> {
    let store = &settings.store;
    let (from, to) = match Chosen::of(settings).map_err(Failure::setting)?.store {
        Store::Memory => return Ok(format!("{store} has nothing to migrate")),
        Store::Sqlite(path) => {
            let migrated = SqliteStore::migrate(path.as_path()).await;
            let migrated = migrated.map_err(store_failure)?;
            (migrated.from, migrated.to)
        }
        Store::MySql => cluster::migrate(settings).await?,
    };
    Ok(if from == to {
        format!("{store} is up to date, at version {to}")
    } else {
        format!("{store}: migrated from version {from} to version {to}")
    })
}

fn store_failure(error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(FailureKind::Store, error)
}
