//! ZooKeeper: every case in a folder of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chat_adapters::zookeeper::{ZooKeeperOptions, ZooKeeperRegistry};
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::ports::Registry;

const ZOOKEEPER: &str = "CHAT_TEST_ZOOKEEPER";

/// A folder, which the first announcement creates.
struct Folder {
    path: String,
}

impl Folder {
    fn new() -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let (process, case) = (std::process::id(), CASES.fetch_add(1, Ordering::Relaxed));
        Self {
            path: format!("contract-{process}/{case}"),
        }
    }

    fn servers() -> String {
        std::env::var(ZOOKEEPER).unwrap_or_default()
    }
}

#[async_trait]
impl Fixture for Folder {
    type Port = Arc<dyn Registry>;

    async fn open(&self) -> Result<Self::Port, BackendError> {
        let url = format!("zookeeper://{}/{}", Self::servers(), self.path);
        let options =
            ZooKeeperOptions::parse(&url).map_err(|error| BackendError::broken(ZOOKEEPER).because(error))?;
        Ok(Arc::new(ZooKeeperRegistry::new(options)))
    }

    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        Self::servers()
            .is_empty()
            .then(|| format!("{ZOOKEEPER} is not set"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: false,
            crosses_processes: true,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    contract::registry("zookeeper", Folder::new)
}
