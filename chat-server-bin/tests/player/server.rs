//! One server process with an empty store.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Stage;
use crate::support::Server;

/// A server of its own.
#[derive(Debug)]
pub(crate) struct SingleServer {
    server: Server,
    _directory: TempDir,
}

impl SingleServer {
    /// Starts a server on a free port with the given lines as its settings file.
    pub(crate) fn start(settings: &[String]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("chat.toml");
        fs::write(&config, settings.join("\n"))?;
        let config = config.to_str().context("the path is text")?;
        Ok(Self {
            server: Server::start(&["--config", config, "--store", "memory:"]),
            _directory: directory,
        })
    }
}

impl Stage for SingleServer {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn terminate(&mut self) {
        self.server.signal_to_end();
    }

    fn said(&self) -> String {
        format!("the server's log:\n{}", self.server.stderr())
    }
}
