//! RPC: every case on stores in memory and on MySQL, behind a backend in this process. Each handle is a node of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use chat_adapters::grpc::{RemoteOptions, RemoteStore, Serve};
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Trial};
use chat_core::memory::{MemoryStore, StaticRegistry};
use chat_core::ports::{Peer, Stores};
use chat_core::types::NodeId;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A namespace behind a backend, which is started anew where all its nodes are gone.
struct Remote<F> {
    inner: F,
    backend: tokio::sync::Mutex<Option<Backend>>,
    nodes: Mutex<Vec<Weak<RemoteStore>>>,
}

/// A backend that serves until it is stopped or dropped.
struct Backend {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<std::io::Result<()>>,
}

impl Backend {
    async fn start(stores: Stores) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(Serve::new(listener, stores).until(stop.clone().cancelled_owned()));
        Ok(Self { address, stop, tasks })
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl<F> Remote<F> {
    fn new(inner: F) -> Self {
        Self {
            inner,
            backend: tokio::sync::Mutex::default(),
            nodes: Mutex::default(),
        }
    }

    fn living(&self) -> Vec<Arc<RemoteStore>> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().filter_map(Weak::upgrade).collect()
    }
}

#[async_trait]
impl<F: Fixture<Port = Stores>> Fixture for Remote<F> {
    type Port = Stores;

    async fn open(&self) -> Result<Stores, BackendError> {
        let failed = |error| BackendError::not_done("cannot start a backend").because(error);
        let mut backend = self.backend.lock().await;
        if self.living().is_empty()
            && let Some(ended) = backend.take()
        {
            ended.stop().await;
        }
        let address = match &*backend {
            Some(backend) => backend.address,
            None => {
                let started = Backend::start(self.inner.open().await?).await.map_err(failed)?;
                backend.insert(started).address
            }
        };
        let peer = Peer {
            node: NodeId::parse(&address.to_string()).expect("an address is a name"),
            address: address.to_string(),
        };
        let registry = Arc::new(StaticRegistry::new([peer]));
        let node = RemoteStore::new(registry, RemoteOptions::default()).expect("there is no TLS");
        node.ready(Duration::from_secs(30)).await?;
        let node = Arc::new(node);
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.push(Arc::downgrade(&node));
        Ok(Stores::of(node))
    }

    async fn close(&self) {
        for node in self.living() {
            node.close().await;
        }
        if let Some(backend) = self.backend.lock().await.take() {
            backend.stop().await;
        }
        self.inner.close().await;
    }

    fn unavailable(&self) -> Option<String> {
        self.inner.unavailable()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

/// Stores in the memory of the backends: what restarts is the nodes and the service, not the memory.
#[derive(Default)]
struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Fixture for Memory {
    type Port = Stores;

    async fn open(&self) -> Result<Stores, BackendError> {
        Ok(Stores::of(Arc::clone(&self.0)))
    }

    /// It goes with the fixture.
    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            survives_restart: true,
            crosses_processes: false,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let trials = contract::stores("grpc_memory", || Remote::new(Memory::default()));
    #[cfg(feature = "mysql")]
    let trials = {
        let on_mysql = contract::stores("grpc_mysql", || Remote::new(super::mysql::Empty::default()));
        [trials, on_mysql].into_iter().flatten().collect()
    };
    trials
}
