//! Settings of backends that cannot work, also where each of them could.

use std::net::SocketAddr;

use chat_core::NodeRole;

use crate::chosen::{Chosen, Store};
use crate::config::Settings;

/// What a stored message takes at most on its way: its text, its data, and the ids and times beside them.
const MESSAGE: usize = 8_192 + 8_192 + 1_024;
/// The largest `backend.max_message`: a message is in memory as a whole.
const LARGEST_MESSAGE: usize = 1 << 30;
/// More connections than that no process has.
const MOST_CONNECTIONS: usize = 1_000_000;

/// Refuses them, with a sentence that says what would work.
pub(crate) fn check(settings: &Settings, role: NodeRole, chosen: &Chosen) -> Result<(), String> {
    let (backend, registry) = (&settings.backend, &settings.registry);
    let scheme = registry.parts().map(|(scheme, _)| scheme);
    require(registry.is_empty() || scheme == Some("zookeeper"), || {
        "`registry` must be `zookeeper://HOST:PORT/PATH`, or empty where nodes list their backends".to_owned()
    })?;
    require(backend.connections.get() <= MOST_CONNECTIONS, || {
        format!(
            "`backend.connections` must be at most {MOST_CONNECTIONS}, not {}",
            backend.connections
        )
    })?;
    require(backend.certificate.is_empty() == backend.key.is_empty(), || {
        "`backend.certificate` and `backend.key` belong together: name both files, or neither for no TLS"
            .to_owned()
    })?;
    require(
        backend.client_authority.is_empty() || !backend.certificate.is_empty(),
        || {
            "`backend.client_authority` needs TLS: name `backend.certificate` and `backend.key` as well, or leave it \
             empty"
                .to_owned()
        },
    )?;
    if role == NodeRole::Backend || chosen.store == Store::Backends {
        check_largest_message(settings)?;
    }
    if role == NodeRole::Backend {
        check_advertised(settings)?;
    }
    Ok(())
}

/// A batch of messages is one call, and a page of them one answer.
fn check_largest_message(settings: &Settings) -> Result<(), String> {
    let given = settings.backend.max_message.get();
    require(given <= LARGEST_MESSAGE, || {
        format!("`backend.max_message` must be at most {LARGEST_MESSAGE}, not {given}")
    })?;
    let limits = &settings.limits;
    let (name, count) = [
        ("writer_batch", limits.writer_batch),
        ("delivery_page", limits.delivery_page),
    ]
    .into_iter()
    .max_by_key(|(_, count)| *count)
    .unwrap_or_default();
    let needed = count.saturating_mul(MESSAGE);
    require(given >= needed, || {
        format!(
            "`backend.max_message` ({given}) is too small for `limits.{name}` ({count}), whose messages may take \
             {MESSAGE} bytes each: write at least {needed}, on nodes and backends alike, or lower `limits.{name}`"
        )
    })
}

/// Nodes have to reach what the registry tells them.
fn check_advertised(settings: &Settings) -> Result<(), String> {
    let (listen, advertise) = (&settings.listen, &settings.advertise);
    if advertise.is_empty() {
        return require(settings.registry.is_empty() || !is_unspecified(listen), || {
            format!(
                "`listen` ({listen}) stands for every address of this machine, so that `registry` cannot tell nodes \
                 which to use: write with `advertise` the one that they reach, for example 10.0.0.5:6100"
            )
        });
    }
    let has_port = advertise.rsplit_once(':').is_some_and(|(_, port)| port != "0");
    require(has_port && !is_unspecified(advertise), || {
        format!(
            "`advertise` must be an address and a port that nodes can reach, for example 10.0.0.5:6100, not \
             `{advertise}`"
        )
    })
}

fn is_unspecified(address: &str) -> bool {
    let address: Option<SocketAddr> = address.parse().ok();
    address.is_some_and(|address| address.ip().is_unspecified())
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn problem(role: NodeRole, change: impl FnOnce(&mut Settings)) -> Option<String> {
        let mut settings = Settings {
            store: "memory:".into(),
            ..Settings::default()
        };
        change(&mut settings);
        let chosen = Chosen::of(&settings, role).unwrap();
        check(&settings, role, &chosen).err()
    }

    fn assert_named(problem: Option<String>, names: &[&str]) {
        let problem = problem.unwrap_or_else(|| panic!("{names:?} were accepted"));
        for name in names {
            assert!(problem.contains(name), "{name}: {problem}");
        }
    }

    #[test]
    fn files_of_tls_belong_together() {
        for role in [NodeRole::Clients, NodeRole::Backend] {
            let alone = problem(role, |settings| settings.backend.certificate = "a.pem".to_owned());
            assert_named(alone, &["`backend.certificate`", "`backend.key`"]);
            let alone = problem(role, |settings| settings.backend.key = "a.key".to_owned());
            assert_named(alone, &["`backend.certificate`", "`backend.key`"]);
            let without = problem(role, |settings| {
                settings.backend.client_authority = "nodes.pem".to_owned();
            });
            assert_named(without, &["`backend.client_authority`", "`backend.certificate`"]);
            let whole = problem(role, |settings| {
                settings.backend.certificate = "a.pem".to_owned();
                settings.backend.key = "a.key".to_owned();
                settings.backend.client_authority = "nodes.pem".to_owned();
            });
            assert_eq!(whole, None);
        }
    }

    #[test]
    fn the_largest_batch_and_the_largest_page_fit_in_one_message() {
        let batch = |count| {
            move |settings: &mut Settings| {
                (settings.limits.writer_batch, settings.limits.writer_queue) = (count, count);
            }
        };
        let fitting = (16 << 20) / MESSAGE;
        assert_eq!(problem(NodeRole::Backend, batch(fitting)), None);
        let too_many = problem(NodeRole::Backend, batch(fitting + 1));
        let needed = ((fitting + 1) * MESSAGE).to_string();
        assert_named(
            too_many,
            &["`backend.max_message`", "`limits.writer_batch`", &needed],
        );
        let page = problem(NodeRole::Backend, |settings| {
            settings.limits.delivery_page = fitting + 1;
        });
        assert_named(page, &["`backend.max_message`", "`limits.delivery_page`"]);
        // A node that calls no backend has no such message.
        assert_eq!(problem(NodeRole::Clients, batch(fitting + 1)), None);
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn a_node_of_backends_has_the_same_largest_message() {
        let problem = problem(NodeRole::Clients, |settings| {
            settings.store = "grpc://backend:6100".into();
            settings.backend.max_message = NonZeroUsize::MIN;
        });
        assert_named(problem, &["`backend.max_message`", "`limits.writer_batch`"]);
    }

    #[test]
    fn sizes_that_nothing_has_are_refused() {
        let too_large = problem(NodeRole::Backend, |settings| {
            settings.backend.max_message = NonZeroUsize::MAX;
        });
        assert_named(too_large, &["`backend.max_message`"]);
        let too_many = problem(NodeRole::Clients, |settings| {
            settings.backend.connections = NonZeroUsize::MAX;
        });
        assert_named(too_many, &["`backend.connections`"]);
    }

    #[test]
    fn what_is_told_to_nodes_can_be_reached() {
        let told = |listen: &'static str, advertise: &'static str| {
            problem(NodeRole::Backend, |settings| {
                settings.listen = listen.to_owned();
                settings.advertise = advertise.to_owned();
                settings.registry = "zookeeper://zk:2181/chat".into();
            })
        };
        for listen in ["0.0.0.0:6100", "[::]:6100"] {
            assert_named(told(listen, ""), &["`advertise`", "`registry`", listen]);
            assert_eq!(told(listen, "backend-1:6100"), None);
            assert_named(told("127.0.0.1:0", listen), &["`advertise`", listen]);
        }
        assert_named(told("127.0.0.1:0", "backend-1:0"), &["`advertise`"]);
        assert_eq!(told("127.0.0.1:0", ""), None);
        let unlisted = problem(NodeRole::Backend, |settings| {
            settings.listen = "0.0.0.0:6100".to_owned()
        });
        assert_eq!(unlisted, None);
    }
}
