//! Which backends the settings choose, and which choices fit together.

use std::path::PathBuf;

use chat_core::NodeRole;

use crate::backend_url::BackendUrl;
use crate::config::Settings;

/// The backends of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) store: Store,
    pub(crate) bus: Hints,
    pub(crate) presence: Hints,
}

/// Where everything is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// `memory:`: everything is forgotten when the program ends.
    Memory,
    /// `sqlite:PATH`: one file.
    Sqlite(PathBuf),
    /// `mysql://…`: a database that several nodes share.
    MySql,
    /// `grpc://…`, `grpc+zookeeper://…` and those with TLS: backends that several nodes share.
    Backends,
}

/// What carries hints between nodes, and who is online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hints {
    /// `memory:`: this process alone.
    Memory,
    /// `redis://…`: all nodes that name the same.
    Redis,
}

/// A cargo feature that brings adapters.
struct Feature {
    name: &'static str,
    is_built_in: bool,
}

const CLUSTER: Feature = Feature {
    name: "cluster",
    is_built_in: cfg!(feature = "cluster"),
};
const GRPC: Feature = Feature {
    name: "grpc",
    is_built_in: cfg!(feature = "grpc"),
};

/// Redis plain, with TLS, and as a cluster of its own.
const REDIS_SCHEMES: &[&str] = &["redis", "rediss", "redis+cluster", "rediss+cluster"];
/// Backends in a list or in ZooKeeper, plain and with TLS.
const BACKENDS_SCHEMES: &[&str] = &["grpc", "grpcs", "grpc+zookeeper", "grpcs+zookeeper"];
/// Schemes that stores share with nothing else.
const STORE_SCHEMES: &[&str] = &["sqlite", "mysql", "mariadb"];

impl Chosen {
    /// What the settings choose for a node of this role. A backend has no use for a bus and presence.
    ///
    /// # Errors
    /// A sentence that names the setting and says what is possible.
    pub(crate) fn of(settings: &Settings, role: NodeRole) -> Result<Self, String> {
        match role {
            NodeRole::Backend => Self::of_backend(settings),
            _ => Self::of_node(settings),
        }
    }

    fn of_backend(settings: &Settings) -> Result<Self, String> {
        let store = store(&settings.store)?;
        if store == Store::Backends {
            return Err(
                "the `store` of a backend cannot be other backends: name the database itself, for example \
                 `mysql://…`"
                    .to_owned(),
            );
        }
        let (bus, presence) = (Hints::Memory, Hints::Memory);
        Ok(Self { store, bus, presence })
    }

    fn of_node(settings: &Settings) -> Result<Self, String> {
        let bus = hints("bus", &settings.bus)?;
        let presence = if settings.presence.is_empty() {
            bus
        } else {
            hints("presence", &settings.presence)?
        };
        let store = store(&settings.store)?;
        let chosen = Self { store, bus, presence };
        chosen.check()?;
        Ok(chosen)
    }

    fn check(&self) -> Result<(), String> {
        if self.store == Store::Memory && [self.bus, self.presence].contains(&Hints::Redis) {
            return Err(
                "`store = \"memory:\"` is of this process alone, while Redis joins several nodes, which would each \
                 have their own users and messages: give them all the same `store`, for example `mysql://…`"
                    .to_owned(),
            );
        }
        if self.bus == Hints::Redis && self.presence == Hints::Memory {
            return Err(
                "with `bus` on Redis, `presence` cannot be `memory:`, because each node would take the users of \
                 all others for offline: leave `presence` empty, and it is where the bus is"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What is possible and right only for some, in sentences for the log.
    pub(crate) fn warnings(&self, settings: &Settings, role: NodeRole) -> Vec<&'static str> {
        let is_announced = !settings.registry.is_empty();
        let is_shared = [Store::MySql, Store::Backends].contains(&self.store);
        let warnings = match role {
            NodeRole::Backend => vec![(
                is_announced && !is_shared,
                "the `store` of this backend is its own, which is right for the only backend of a `registry`; nodes \
                 would find other users and messages in each of several: give all backends the same, for example \
                 `mysql://…`",
            )],
            _ => vec![
                (
                    (is_shared || self.presence == Hints::Redis) && self.bus == Hints::Memory,
                    "`bus` is `memory:`, which is right for the only node of a store; a second node hears of this \
                     one's messages late, by asking the store, and of presence not at all: give all nodes the same \
                     `bus`, for example redis://…",
                ),
                (
                    is_announced,
                    "`registry` is not used: it is where `chat-server backend` makes itself known; a server for \
                     clients finds backends by its `store`, for example `grpc+zookeeper://…`",
                ),
            ],
        };
        let apply = warnings.into_iter().filter(|(applies, _)| *applies);
        apply.map(|(_, warning)| warning).collect()
    }
}

fn store(url: &BackendUrl) -> Result<Store, String> {
    let Some((scheme, rest)) = url.parts() else {
        return Err(format!(
            "`store` has no scheme: write `sqlite:{url}` for a file, or `memory:`"
        ));
    };
    match scheme {
        "memory" => nothing_after_the_colon("store", rest).map(|()| Store::Memory),
        "sqlite" => sqlite_path(rest).map(Store::Sqlite),
        "mysql" | "mariadb" => {
            built_in(&CLUSTER, scheme, "`sqlite:PATH` or `memory:`").map(|()| Store::MySql)
        }
        scheme if BACKENDS_SCHEMES.contains(&scheme) => {
            built_in(&GRPC, scheme, "`sqlite:PATH` or `memory:`").map(|()| Store::Backends)
        }
        scheme if REDIS_SCHEMES.contains(&scheme) => {
            Err("`store` cannot be Redis, which may forget; Redis is for `bus` and `presence`".to_owned())
        }
        "zookeeper" => Err(
            "`store` cannot be ZooKeeper, which only tells where backends are: write `grpc+zookeeper://…`"
                .to_owned(),
        ),
        _ => Err(
            "the scheme of `store` is not known: the known ones are `sqlite:` and `memory:`, with \
             `--features cluster` also `mysql:`, and with `--features grpc` also `grpc:`, `grpcs:`, \
             `grpc+zookeeper:` and `grpcs+zookeeper:`"
                .to_owned(),
        ),
    }
}

fn hints(setting: &str, url: &BackendUrl) -> Result<Hints, String> {
    let Some((scheme, rest)) = url.parts() else {
        return Err(format!(
            "`{setting}` has no scheme: write for example `redis://{url}`, or `memory:`"
        ));
    };
    match scheme {
        "memory" => nothing_after_the_colon(setting, rest).map(|()| Hints::Memory),
        scheme if REDIS_SCHEMES.contains(&scheme) => {
            built_in(&CLUSTER, scheme, "`memory:`").map(|()| Hints::Redis)
        }
        scheme if [STORE_SCHEMES, BACKENDS_SCHEMES].concat().contains(&scheme) => Err(format!(
            "`{setting}` cannot be `{scheme}:`, which is for `store`: write `memory:`, or `redis://…` where there \
             are several nodes"
        )),
        _ => Err(format!(
            "the scheme of `{setting}` is not known: the known one is `memory:`, and with `--features cluster` \
             also `redis:`, `rediss:`, `redis+cluster:` and `rediss+cluster:`"
        )),
    }
}

fn nothing_after_the_colon(setting: &str, rest: &str) -> Result<(), String> {
    if rest.trim_matches('/').is_empty() {
        Ok(())
    } else {
        Err(format!("`{setting} = \"memory:\"` takes nothing after the colon"))
    }
}

/// Refuses a scheme of a feature that this program is built without.
fn built_in(feature: &Feature, scheme: &str, instead: &str) -> Result<(), String> {
    if feature.is_built_in {
        Ok(())
    } else {
        Err(format!(
            "`{scheme}:` is not built into this program: build it with `--features {}`, or use {instead}",
            feature.name
        ))
    }
}

/// Both `sqlite:chat.db` and `sqlite:///var/lib/chat.db`.
fn sqlite_path(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err("`store` names no file: write for example `sqlite:chat.db`".to_owned());
    }
    if path.contains('?') || path.starts_with(':') {
        return Err("`sqlite:` takes only a file's path; for a store in memory write `memory:`".to_owned());
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(store: &str, bus: &str, presence: &str) -> Settings {
        Settings {
            store: store.into(),
            bus: bus.into(),
            presence: presence.into(),
            ..Settings::default()
        }
    }

    fn chosen(store: &str, bus: &str, presence: &str) -> Result<Chosen, String> {
        Chosen::of(&settings(store, bus, presence), NodeRole::Clients)
    }

    fn chosen_store(store: &str) -> Result<Store, String> {
        chosen(store, "memory:", "").map(|chosen| chosen.store)
    }

    #[test]
    fn known_stores_are_told_apart() {
        assert_eq!(chosen_store("memory:"), Ok(Store::Memory));
        assert_eq!(
            chosen_store("sqlite:chat.db"),
            Ok(Store::Sqlite("chat.db".into()))
        );
        assert_eq!(
            chosen_store("sqlite:///var/chat.db"),
            Ok(Store::Sqlite("/var/chat.db".into()))
        );
        for bad in [
            "",
            "chat.db",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite:a?mode=ro",
            "memory:x",
            "oracle://x",
            "redis://cache",
            "kafka://x",
            "zookeeper://zk/chat",
        ] {
            let sentence = chosen_store(bad).unwrap_err();
            assert!(
                sentence.contains("`store") || sentence.contains("`sqlite:`"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn hints_have_their_own_schemes_and_name_their_setting() {
        for bad in [
            "",
            "cache:x",
            "sqlite:chat.db",
            "mysql://db",
            "memory:x",
            "zookeeper:x",
            "grpc://backend:6100",
            "grpcs+zookeeper://zk/chat",
        ] {
            let sentence = chosen("sqlite:chat.db", bad, "").unwrap_err();
            assert!(sentence.contains("`bus"), "{sentence}");
        }
        let sentence = chosen("sqlite:chat.db", "memory:", "oracle:").unwrap_err();
        assert!(sentence.contains("`presence`"), "{sentence}");
    }

    #[test]
    fn no_sentence_shows_a_secret() {
        for scheme in [
            "mysql",
            "mariadb",
            "redis",
            "rediss",
            "kafka",
            "grpc",
            "grpc+zookeeper",
            "zookeeper",
            "oracle",
        ] {
            for url in [
                format!("{scheme}://root:hunter2@db/chat"),
                format!("{scheme}:root:hunter2@db/chat"),
            ] {
                let shown = format!("{:?} {:?}", chosen_store(&url), chosen("sqlite:a", &url, &url));
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }

    #[cfg(not(feature = "cluster"))]
    #[test]
    fn schemes_that_need_the_feature_cluster_name_it() {
        for (store, bus, scheme) in [
            ("mysql://root:hunter2@db/chat", "memory:", "mysql"),
            ("mariadb://db/chat", "memory:", "mariadb"),
            ("sqlite:a", "redis://:hunter2@cache", "redis"),
            ("sqlite:a", "rediss+cluster://cache", "rediss+cluster"),
        ] {
            let sentence = chosen(store, bus, "").unwrap_err();
            assert!(
                sentence.contains("--features cluster") && sentence.contains(scheme),
                "{sentence}"
            );
        }
    }

    #[cfg(not(feature = "grpc"))]
    #[test]
    fn schemes_that_need_the_feature_grpc_name_it() {
        for scheme in BACKENDS_SCHEMES {
            let sentence = chosen_store(&format!("{scheme}://chat:hunter2@zk/chat")).unwrap_err();
            assert!(
                sentence.contains("--features grpc")
                    && sentence.contains(scheme)
                    && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn backends_are_a_store_of_nodes_and_of_no_backend() {
        for scheme in BACKENDS_SCHEMES {
            let settings = settings(&format!("{scheme}://chat:hunter2@zk/chat"), "memory:", "");
            let chosen = Chosen::of(&settings, NodeRole::Clients).unwrap();
            assert_eq!(chosen.store, Store::Backends);
            assert_eq!(
                chosen.warnings(&settings, NodeRole::Clients).len(),
                1,
                "a second node needs a bus"
            );
            let sentence = Chosen::of(&settings, NodeRole::Backend).unwrap_err();
            assert!(
                sentence.contains("`store`") && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn what_a_node_of_the_other_role_would_use_is_warned_of() {
        let of_registry = |registry: &str, role| {
            let settings = Settings {
                registry: registry.into(),
                ..settings("memory:", "memory:", "")
            };
            Chosen::of(&settings, role)
                .unwrap()
                .warnings(&settings, role)
                .join(" ")
        };
        for role in [NodeRole::Clients, NodeRole::Backend] {
            assert_eq!(of_registry("", role), "");
        }
        assert!(of_registry("zookeeper://zk/chat", NodeRole::Clients).contains("`registry` is not used"));
        assert!(of_registry("zookeeper://zk/chat", NodeRole::Backend).contains("`store`"));
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn presence_is_where_the_bus_is_unless_it_is_told_otherwise() {
        let presence = |bus, presence| chosen("mysql://db/chat", bus, presence).map(|chosen| chosen.presence);
        assert_eq!(presence("redis://cache", ""), Ok(Hints::Redis));
        assert_eq!(presence("memory:", ""), Ok(Hints::Memory));
        assert_eq!(presence("memory:", "redis://cache"), Ok(Hints::Redis));
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn what_cannot_be_one_chat_is_refused_and_what_is_right_for_some_is_warned_of() {
        for (store, bus, presence, named) in [
            ("memory:", "redis://cache", "", "`store"),
            ("memory:", "memory:", "redis://cache", "`store"),
            ("mysql://db/chat", "redis://cache", "memory:", "`presence`"),
        ] {
            let sentence = chosen(store, bus, presence).unwrap_err();
            assert!(sentence.contains(named), "{sentence}");
        }
        for (store, bus, presence, warned) in [
            ("memory:", "memory:", "", false),
            ("sqlite:chat.db", "memory:", "memory:", false),
            ("sqlite:chat.db", "redis://cache", "", false),
            ("mysql://db/chat", "rediss://cache", "redis://other", false),
            ("mysql://db/chat", "memory:", "", true),
            ("sqlite:chat.db", "memory:", "redis://cache", true),
        ] {
            let settings = settings(store, bus, presence);
            let of_node = chosen(store, bus, presence)
                .unwrap()
                .warnings(&settings, NodeRole::Clients);
            assert_eq!(!of_node.is_empty(), warned, "{store} {bus} {presence}");
            let of_backend = Chosen::of(&settings, NodeRole::Backend).unwrap();
            assert!(of_backend.warnings(&settings, NodeRole::Backend).is_empty());
        }
    }
}
