//! Backends as the store of a node, and the registry in which nodes find them: the adapters of the feature `grpc`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use chat_adapters::grpc::{Backends as Listing, BackendsUrl, RemoteOptions, RemoteStore};
use chat_adapters::zookeeper::{ZooKeeperOptions, ZooKeeperRegistry};
use chat_core::memory::StaticRegistry;
use chat_core::ports::{Backends, Registry, Stores};
use chat_core::{BackendError, NodeRole};
use tokio::sync::watch;

use crate::chosen::{Chosen, Store};
use crate::config::Settings;
use crate::deadlines::store_timeout;
use crate::failure::{Failure, FailureKind};
use crate::telemetry;

/// The time that a node waits at its start for the first backend that serves.
const FIRST_BACKEND: Duration = Duration::from_secs(5);

/// What has to be closed at the end.
#[derive(Debug)]
pub(crate) struct Remote {
    store: Option<RemoteStore>,
    registry: Option<Arc<ZooKeeperRegistry>>,
}

/// Refuses URLs that their adapters cannot read.
pub(crate) fn check(settings: &Settings, _: NodeRole, chosen: &Chosen) -> Result<(), String> {
    if chosen.store == Store::Backends
        && let Listing::ZooKeeper(url) = backends_url(settings)?.backends
    {
        zookeeper("store", &url)?;
    }
    if !settings.registry.is_empty() {
        zookeeper("registry", settings.registry.with_secrets())?;
    }
    Ok(())
}

impl Remote {
    /// Opens what the settings choose: for a node of backends its store, for a backend the registry in which it is
    /// to be found.
    ///
    /// One backend has to serve. The registry need not be there: what is made of it connects when it can.
    pub(crate) async fn open(
        settings: &Settings,
        role: NodeRole,
        chosen: &Chosen,
        backends: &mut Backends,
    ) -> Result<Self, Failure> {
        let mut remote = Self {
            store: None,
            registry: None,
        };
        if role == NodeRole::Backend && !settings.registry.is_empty() {
            let options =
                zookeeper("registry", settings.registry.with_secrets()).map_err(Failure::setting)?;
            remote.registry = Some(Arc::new(ZooKeeperRegistry::new(options)));
        }
        if chosen.store == Store::Backends {
            let store = remote.connect(settings, role).map_err(Failure::setting)?;
            store
                .ready(FIRST_BACKEND)
                .await
                .map_err(|error| nobody(settings, error))?;
            backends.stores = Stores::of(Arc::new(store.clone()));
            remote.store = Some(store);
        }
        Ok(remote)
    }

    /// Begins to connect to the backends that `store` names.
    fn connect(&mut self, settings: &Settings, role: NodeRole) -> Result<RemoteStore, String> {
        let url = backends_url(settings)?;
        let registry: Arc<dyn Registry> = match url.backends {
            Listing::Listed(peers) => Arc::new(StaticRegistry::new(peers)),
            Listing::ZooKeeper(url) => {
                let registry = Arc::new(ZooKeeperRegistry::new(zookeeper("store", &url)?));
                self.registry = Some(Arc::clone(&registry));
                registry
            }
        };
        let options = RemoteOptions {
            call_timeout: store_timeout(settings, role),
            max_message: settings.backend.max_message.get(),
            tls: url.tls,
            trace: telemetry::traceparent,
            ..RemoteOptions::default()
        };
        RemoteStore::new(registry, options).map_err(|error| format!("`store`: {error}"))
    }

    /// Whether the registry is away, where there is one.
    pub(crate) fn registry_away(&self) -> Option<watch::Receiver<bool>> {
        self.registry.as_ref().map(|registry| registry.away())
    }

    /// The registry, where there is one.
    pub(crate) fn registry(&self) -> Option<Arc<dyn Registry>> {
        self.registry.clone().map(|registry| registry as _)
    }

    /// Closes all connections.
    pub(crate) async fn close(self) {
        if let Some(store) = self.store {
            store.close().await;
        }
        if let Some(registry) = self.registry {
            registry.close().await;
        }
    }
}

fn backends_url(settings: &Settings) -> Result<BackendsUrl, String> {
    BackendsUrl::parse(settings.store.with_secrets()).map_err(|error| format!("`store`: {error}"))
}

fn zookeeper(setting: &str, url: &str) -> Result<ZooKeeperOptions, String> {
    ZooKeeperOptions::parse(url).map_err(|error| format!("`{setting}`: {error}"))
}

fn nobody(settings: &Settings, error: BackendError) -> Failure {
    let sentence = format!(
        "no backend of {} serves within {FIRST_BACKEND:?}: start one with `chat-server backend`, or correct `store`",
        settings.store
    );
    Failure::new(FailureKind::Store, anyhow!(error).context(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(store: &str, registry: &str) -> Option<String> {
        let settings = Settings {
            store: store.into(),
            registry: registry.into(),
            ..Settings::default()
        };
        let chosen = Chosen::of(&settings, NodeRole::Clients).unwrap();
        check(&settings, NodeRole::Clients, &chosen).err()
    }

    #[test]
    fn urls_that_cannot_be_read_are_told_by_setting_and_without_secrets() {
        for (store, registry, named) in [
            ("grpc://hunter2", "", "`store`"),
            ("grpc://backend:6100?ca=hunter2", "", "`store`"),
            ("grpcs://backend:6100?password=hunter2", "", "`store`"),
            ("grpc+zookeeper://chat:hunter2@zk", "", "`store`"),
            ("grpc+zookeeper://chat:hunter2@zk:port/chat", "", "`store`"),
            ("memory:", "zookeeper://chat:hunter2@zk", "`registry`"),
        ] {
            let sentence =
                problem(store, registry).unwrap_or_else(|| panic!("{store} {registry} was accepted"));
            assert!(
                sentence.contains(named) && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
        for good in [
            "grpc://one:6100,two:6100",
            "grpcs://[::1]:6100?ca=/etc/chat/ca.pem",
            "grpc+zookeeper://one,two/chat",
            "grpcs+zookeeper://chat:hunter2@zk:2181/chat",
        ] {
            assert_eq!(
                problem(good, "zookeeper://chat:hunter2@zk:2181/chat"),
                None,
                "{good}"
            );
        }
    }
}
