//! Which backends the settings choose, and which choices fit together.

use std::path::PathBuf;

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
}

/// What carries hints between nodes, and who is online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hints {
    /// `memory:`: this process alone.
    Memory,
    /// `redis://…`: all nodes that name the same.
    Redis,
}

/// Redis plain, with TLS, and as a cluster of its own.
const REDIS_SCHEMES: &[&str] = &["redis", "rediss", "redis+cluster", "rediss+cluster"];
/// Schemes of adapters that are planned and that no build has.
const OTHER_SCHEMES: &[&str] = &["kafka", "grpc", "grpcs", "zookeeper"];

impl Chosen {
    /// What the settings choose.
    ///
    /// # Errors
    /// A sentence that names the setting and says what is possible.
    pub(crate) fn of(settings: &Settings) -> Result<Self, String> {
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

    /// What is possible and right only for some, in a sentence for the log.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        let several = self.store == Store::MySql || self.presence == Hints::Redis;
        (several && self.bus == Hints::Memory).then_some(
            "`bus` is `memory:`, which is right for the only node of a store; a second node hears of this one's \
             messages late, by asking the store, and of presence not at all: give all nodes the same `bus`, \
             for example redis://…",
        )
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
        "mysql" | "mariadb" => built_in(scheme, "`sqlite:PATH` or `memory:`").map(|()| Store::MySql),
        scheme if REDIS_SCHEMES.contains(&scheme) => {
            Err("`store` cannot be Redis, which may forget; Redis is for `bus` and `presence`".to_owned())
        }
        scheme if OTHER_SCHEMES.contains(&scheme) => Err(no_adapter("store", scheme)),
        _ => Err(
            "the scheme of `store` is not known: the known ones are `sqlite:` and `memory:`, and with \
             `--features cluster` also `mysql:`"
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
        scheme if REDIS_SCHEMES.contains(&scheme) => built_in(scheme, "`memory:`").map(|()| Hints::Redis),
        "sqlite" | "mysql" | "mariadb" => Err(format!(
            "`{setting}` cannot be `{scheme}:`, which is for `store`: write `memory:`, or `redis://…` where there \
             are several nodes"
        )),
        scheme if OTHER_SCHEMES.contains(&scheme) => Err(no_adapter(setting, scheme)),
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

fn built_in(scheme: &str, instead: &str) -> Result<(), String> {
    if cfg!(feature = "cluster") {
        Ok(())
    } else {
        Err(format!(
            "`{scheme}:` is not built into this program: build it with `--features cluster`, or use {instead}"
        ))
    }
}

fn no_adapter(setting: &str, scheme: &str) -> String {
    format!("`{setting}` cannot be `{scheme}:`: there is no adapter for it yet")
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

    fn chosen(store: &str, bus: &str, presence: &str) -> Result<Chosen, String> {
        Chosen::of(&Settings {
            store: store.into(),
            bus: bus.into(),
            presence: presence.into(),
            ..Settings::default()
        })
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
        ] {
            let sentence = chosen("sqlite:chat.db", bad, "").unwrap_err();
            assert!(sentence.contains("`bus"), "{sentence}");
        }
        let sentence = chosen("sqlite:chat.db", "memory:", "oracle:").unwrap_err();
        assert!(sentence.contains("`presence`"), "{sentence}");
    }

    #[test]
    fn no_sentence_shows_a_secret() {
        for scheme in ["mysql", "mariadb", "redis", "rediss", "kafka", "grpc", "oracle"] {
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
            let warning = chosen(store, bus, presence).unwrap().warning();
            assert_eq!(warning.is_some(), warned, "{store} {bus} {presence}");
        }
    }
}
