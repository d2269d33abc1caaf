//! Backends that nodes find in a real ZooKeeper.

use chat_test_services::{Service, ZooKeeper, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::stage::{Pair, Stage, wait_for_readiness};
use crate::support::Server;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "registered::nodes_find_backends_that_come_and_lose_none_with_those_that_go",
            &[Service::ZooKeeper],
            nodes_find_backends_that_come_and_lose_none_with_those_that_go,
        ),
        trial(
            "registered::without_the_registry_all_go_on_and_both_sides_record_it",
            &[Service::ZooKeeper],
            without_the_registry_all_go_on_and_both_sides_record_it,
        ),
        trial(
            "registered::a_backend_starts_without_the_registry_and_is_found_once_it_is_there",
            &[Service::ZooKeeper],
            a_backend_starts_without_the_registry_and_is_found_once_it_is_there,
        ),
    ]
}

/// A ZooKeeper with the URLs that name it; the password is shown nowhere.
struct Registry {
    zookeeper: ZooKeeper,
    of_backends: String,
    of_nodes: String,
}

impl Registry {
    fn start() -> Result<Self, Failed> {
        let zookeeper = ZooKeeper::start()?;
        let of_backends = format!(
            "zookeeper://chat:hunter2@{}/chat/backends",
            zookeeper.connect_string()
        );
        Ok(Self {
            zookeeper,
            of_nodes: format!("grpc+{of_backends}"),
            of_backends,
        })
    }

    fn backend(&self, stage: &Stage, name: &str) -> Server {
        stage.backend(name, &["--registry", &self.of_backends])
    }
}

/// Nothing that these servers said anywhere has the password of the registry.
fn assert_secret(stage: &Stage, servers: &[&Server]) {
    for server in servers {
        let said = format!("{}{}", server.ready_line(), server.stderr());
        assert!(!said.contains("hunter2"), "{said}");
    }
    for entry in std::fs::read_dir(stage.file("")).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hunter2"), "{}", path.display());
    }
}

fn nodes_find_backends_that_come_and_lose_none_with_those_that_go() -> Result<(), Failed> {
    let (stage, registry) = (Stage::new(), Registry::start()?);
    let mut first = registry.backend(&stage, "b-1");
    assert!(
        first.ready_line().contains("registry zookeeper://chat:***@"),
        "{}",
        first.ready_line()
    );
    let node = stage.node("n-1", &registry.of_nodes, &[]);
    let mut pair = Pair::on(&node);
    pair.exchange();

    let second = registry.backend(&stage, "b-2");
    second.wait_for_log("nodes find this backend");
    let ended = first.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("withdrawal"), "{}", ended.stderr);
    for _ in 0..20 {
        pair.exchange();
    }
    assert_secret(&stage, &[&second, &node]);
    Ok(())
}

fn without_the_registry_all_go_on_and_both_sides_record_it() -> Result<(), Failed> {
    let (stage, mut registry) = (Stage::new(), Registry::start()?);
    let backend = registry.backend(&stage, "b-1");
    let node = stage.node("n-1", &registry.of_nodes, &[]);
    let mut pair = Pair::on(&node);
    registry.zookeeper.kill()?;
    for name in ["b-1", "n-1"] {
        assert!(stage.recorded(name, "registry_lost")["error"].is_string());
    }
    for server in [&backend, &node] {
        wait_for_readiness(server, 200, "ready\n");
    }
    pair.exchange();
    registry.zookeeper.restart()?;
    for name in ["b-1", "n-1"] {
        let away = stage.recorded(name, "registry_regained")["away_ms"].as_f64();
        assert!(away.is_some_and(|away| away > 0.0), "{away:?}");
    }
    pair.exchange();
    assert_secret(&stage, &[&backend, &node]);
    Ok(())
}

fn a_backend_starts_without_the_registry_and_is_found_once_it_is_there() -> Result<(), Failed> {
    let (stage, mut registry) = (Stage::new(), Registry::start()?);
    registry.zookeeper.kill()?;
    let backend = registry.backend(&stage, "b-1");
    stage.recorded("b-1", "registry_lost");
    wait_for_readiness(&backend, 200, "ready\n");
    registry.zookeeper.restart()?;
    stage.recorded("b-1", "registry_regained");
    backend.wait_for_log("nodes find this backend");
    let node = stage.node("n-1", &registry.of_nodes, &[]);
    Pair::on(&node).exchange();
    assert_eq!(stage.recorded("b-1", "node_started")["role"], json!("backend"));
    Ok(())
}
