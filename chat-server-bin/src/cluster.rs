//! MySQL and Redis, as the settings choose them: the adapters of the feature `cluster`.
//!
//! Each adapter's own deadlines lie within those of the node, which gives a call up and then knows
//! nothing of it: the adapter, which gives up a little earlier, says whether it was done, and leaves its
//! connection in order. So `limits.store_timeout`, `limits.bus_timeout` and `limits.presence_timeout`
//! are the only settings of how long a call may take.

use std::sync::Arc;
use std::time::Duration;

use chat_adapters::mysql::{MySqlOptions, MySqlStore, OpenError};
use chat_adapters::redis::{RedisBus, RedisOptions, RedisPresence};
use chat_core::NodeRole;
use chat_core::ports::{Backends, Stores};

use crate::backend_url::BackendUrl;
use crate::chosen::{Chosen, Hints, Store};
use crate::config::Settings;
use crate::deadlines::{store_timeout, within};
use crate::failure::{Failure, FailureKind};

/// What has to be closed at the end.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    store: Option<Arc<MySqlStore>>,
    bus: Option<Arc<RedisBus>>,
    presence: Option<Arc<RedisPresence>>,
}

/// Refuses URLs that their adapters cannot read.
pub(crate) fn check(settings: &Settings, chosen: &Chosen) -> Result<(), String> {
    if chosen.store == Store::MySql {
        mysql_options(settings, NodeRole::Clients).map_err(|error| format!("`store`: {error}"))?;
    }
    if chosen.bus == Hints::Redis {
        redis_options(settings, "bus", &settings.bus, settings.limits.bus_timeout.into())?;
    }
    if chosen.presence == Hints::Redis {
        presence_options(settings)?;
    }
    Ok(())
}

impl Cluster {
    /// Opens what the settings choose, and puts it in its place among the backends.
    ///
    /// The store has to be there. Redis need not: it carries hints only, and what is made of it connects
    /// when it can.
    pub(crate) async fn open(
        settings: &Settings,
        role: NodeRole,
        chosen: &Chosen,
        backends: &mut Backends,
    ) -> Result<Self, Failure> {
        let mut cluster = Self::default();
        if chosen.store == Store::MySql {
            let options = mysql_options(settings, role).map_err(store_failure)?;
            let store = Arc::new(MySqlStore::open(options).await.map_err(store_failure)?);
            backends.stores = Stores::of(Arc::clone(&store));
            cluster.store = Some(store);
        }
        if chosen.bus == Hints::Redis {
            let timeout = settings.limits.bus_timeout.into();
            let options = redis_options(settings, "bus", &settings.bus, timeout).map_err(Failure::setting)?;
            let bus = Arc::new(RedisBus::new(options));
            backends.bus = Arc::clone(&bus) as _;
            cluster.bus = Some(bus);
        }
        if chosen.presence == Hints::Redis {
            let options = presence_options(settings).map_err(Failure::setting)?;
            let presence = Arc::new(RedisPresence::new(options));
            backends.presence = Arc::clone(&presence) as _;
            cluster.presence = Some(presence);
        }
        Ok(cluster)
    }

    /// Closes all connections.
    pub(crate) async fn close(self) {
        if let Some(bus) = self.bus {
            bus.close().await;
        }
        if let Some(presence) = self.presence {
            presence.close().await;
        }
        if let Some(store) = self.store {
            store.close().await;
        }
    }
}

/// Applies what the database lacks; answers its version before and now.
pub(crate) async fn migrate(settings: &Settings) -> Result<(i64, i64), Failure> {
    let options = mysql_options(settings, NodeRole::Clients).map_err(store_failure)?;
    let migrated = MySqlStore::migrate(options).await.map_err(store_failure)?;
    Ok((migrated.from, migrated.to))
}

fn mysql_options(settings: &Settings, role: NodeRole) -> Result<MySqlOptions, OpenError> {
    let mut options = MySqlOptions::parse(settings.store.with_secrets())?;
    options.max_connections = settings.mysql.max_connections;
    options.min_connections = settings.mysql.min_connections;
    options.acquire_timeout = settings.mysql.acquire_timeout.into();
    options.call_timeout = store_timeout(settings, role);
    Ok(options)
}

fn presence_options(settings: &Settings) -> Result<RedisOptions, String> {
    let timeout = settings.limits.presence_timeout.into();
    redis_options(settings, "presence", settings.presence_url(), timeout)
}

fn redis_options(
    settings: &Settings,
    name: &str,
    url: &BackendUrl,
    timeout: Duration,
) -> Result<RedisOptions, String> {
    let options = RedisOptions::parse(url.with_secrets()).map_err(|error| format!("`{name}`: {error}"))?;
    let prefix = match settings.redis.prefix.as_str() {
        "" => options.prefix.clone(),
        prefix => prefix.to_owned(),
    };
    Ok(RedisOptions {
        prefix,
        call_timeout: within(timeout),
        ..options
    })
}

fn store_failure(error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(FailureKind::Store, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(bus: &str, presence: &str) -> Settings {
        Settings {
            store: "mysql://chat:hunter2@db/chat".into(),
            bus: bus.into(),
            presence: presence.into(),
            ..Settings::default()
        }
    }

    fn problem(settings: &Settings) -> Option<String> {
        let chosen = Chosen::of(settings, NodeRole::Clients).unwrap();
        check(settings, &chosen).err()
    }

    #[test]
    fn urls_that_cannot_be_read_are_told_by_setting_and_without_secrets() {
        let mut of_store = settings("memory:", "");
        of_store.store = "mysql://chat:hunter2@db".into();
        for (settings, named) in [
            (of_store, "`store`"),
            (settings("redis://chat:hunter2@cache:port", ""), "`bus`"),
            (
                settings("redis://cache", "redis://chat:hunter2@cache/x"),
                "`presence`",
            ),
        ] {
            let sentence = problem(&settings).unwrap();
            assert!(
                sentence.contains(named) && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
        assert_eq!(problem(&settings("rediss://cache", "")), None);
    }

    #[test]
    fn every_adapter_gives_up_before_the_node_does() {
        let settings = settings("redis://cache", "");
        let limits = &settings.limits;
        let store = |role| mysql_options(&settings, role).unwrap().call_timeout;
        assert!(store(NodeRole::Clients) < Duration::from(limits.store_timeout));
        assert!(
            store(NodeRole::Backend) < store(NodeRole::Clients),
            "whose call it is waits for it too"
        );
        let bus = redis_options(&settings, "bus", &settings.bus, limits.bus_timeout.into()).unwrap();
        assert!(bus.call_timeout < Duration::from(limits.bus_timeout));
        let presence = presence_options(&settings).unwrap();
        assert!(presence.call_timeout < Duration::from(limits.presence_timeout));
    }

    #[test]
    fn the_prefix_is_that_of_the_setting_then_of_the_url_then_the_adapters() {
        for (url, setting, expected) in [
            ("redis://cache?prefix=a", "b", "b"),
            ("redis://cache?prefix=a", "", "a"),
            ("redis://cache", "", "chat"),
        ] {
            let mut settings = settings(url, "");
            setting.clone_into(&mut settings.redis.prefix);
            assert_eq!(presence_options(&settings).unwrap().prefix, expected);
        }
    }
}
