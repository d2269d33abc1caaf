//! The processes of a cluster: nodes, and backend services.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use chat_test_services::free_port;
use tempfile::TempDir;

use super::harness::Plan;
use crate::support::Server;

/// What a process of the server is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Node,
    Backend,
}

impl Kind {
    pub(super) fn name(self, number: usize) -> String {
        let name = match self {
            Self::Node => "node",
            Self::Backend => "backend",
        };
        format!("{name}-{}", number + 1)
    }

    fn start(self, config: &Path) -> Server {
        let listen = free_port().expect("a free port").to_string();
        let config = config.to_string_lossy();
        match self {
            Self::Node => Server::start_at(&listen, &["--config", &config]),
            Self::Backend => Server::start_at(&listen, &["backend", "--config", &config]),
        }
    }
}

/// Starts all of a kind at once, as after a power cut, with these lines in each one's settings file.
pub(super) fn start_all(plan: &Plan, directory: &TempDir, kind: Kind, settings: &str) -> Vec<Server> {
    let count = match kind {
        Kind::Node => plan.nodes,
        Kind::Backend => plan.backends,
    };
    thread::scope(|scope| {
        let starts: Vec<_> = (0..count)
            .map(|number| {
                let name = kind.name(number);
                let mut logs = vec![format!("file:{}", event_log(directory, &name).display())];
                logs.extend_from_slice(&plan.event_logs);
                let config = directory.path().join(format!("{name}.toml"));
                // One that it has after a restart too, as nginx knows it.
                let http = free_port().expect("a free port").to_string();
                let own = format!(
                    "node = {name:?}\nhttp = {http:?}\nevent_log = {logs:?}\n{settings}{}\n",
                    plan.settings.join("\n")
                );
                fs::write(&config, own).expect("the folder is there");
                scope.spawn(move || kind.start(&config))
            })
            .collect();
        let started = starts.into_iter().map(|start| start.join().expect("it starts"));
        started.collect()
    })
}

/// Where the process of this name writes its event log.
pub(super) fn event_log(directory: &TempDir, name: &str) -> PathBuf {
    directory.path().join(format!("{name}.jsonl"))
}
