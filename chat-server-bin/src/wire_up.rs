//! From settings to backends: with `cluster.rs` and `remote.rs`, the only place that names concrete adapters.

use std::sync::Arc;

use chat_adapters::sqlite::SqliteStore;
use chat_core::NodeRole;
use chat_core::memory::MemoryBackends;
use chat_core::ports::{Backends, Stores};
use tokio::sync::watch;

use crate::chosen::{Chosen, Store};
use crate::cluster::{self, Cluster};
use crate::config::Settings;
use crate::failure::{Failure, FailureKind};
use crate::remote::Remote;

/// What a server stands on, and what has to be closed at its end.
pub(crate) struct Wired {
    pub(crate) backends: Backends,
    pub(crate) remote: Remote,
    sqlite: Option<Arc<SqliteStore>>,
    cluster: Cluster,
}

/// Opens every backend that the settings name for a node of this role, but for the event log.
pub(crate) async fn wire_up(settings: &Settings, role: NodeRole) -> Result<Wired, Failure> {
    let chosen = Chosen::of(settings, role).map_err(Failure::setting)?;
    let mut backends = MemoryBackends::default().backends();
    let mut sqlite = None;
    if let Store::Sqlite(path) = &chosen.store {
        let store = Arc::new(SqliteStore::open(path.as_path()).await.map_err(store_failure)?);
        backends.stores = Stores::of(Arc::clone(&store));
        sqlite = Some(store);
    }
    let cluster = Cluster::open(settings, role, &chosen, &mut backends).await?;
    let remote = Remote::open(settings, role, &chosen, &mut backends).await?;
    for warning in chosen.warnings(settings, role) {
        tracing::warn!("{warning}");
    }
    Ok(Wired {
        backends,
        remote,
        sqlite,
        cluster,
    })
}

impl Wired {
    /// Whether the registry is away, where there is one.
    pub(crate) fn registry_away(&self) -> Option<watch::Receiver<bool>> {
        self.remote.registry_away()
    }

    /// Closes what was opened; a SQLite store is one file again.
    pub(crate) async fn close(self) {
        self.remote.close().await;
        self.cluster.close().await;
        if let Some(store) = self.sqlite {
            store.close().await;
        }
    }
}

/// Applies what the store lacks, and says so.
pub(crate) async fn migrate(settings: &Settings) -> Result<String, Failure> {
    let store = &settings.store;
    let chosen = Chosen::of(settings, NodeRole::Clients).map_err(Failure::setting)?;
    let (from, to) = match chosen.store {
        Store::Memory => return Ok(format!("{store} has nothing to migrate")),
        Store::Sqlite(path) => {
            let migrated = SqliteStore::migrate(path.as_path()).await;
            let migrated = migrated.map_err(store_failure)?;
            (migrated.from, migrated.to)
        }
        Store::MySql => cluster::migrate(settings).await?,
        Store::Backends => {
            return Err(Failure::setting(format!(
                "{store} is migrated by its backends, whose database it is: run `chat-server migrate` with the \
                 settings of one of them"
            )));
        }
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
