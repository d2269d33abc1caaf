//! The accept loop and its options.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chat_core::ports::Stores;
use chat_core::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_reflection::server::Builder as Reflection;

use super::super::{DEFAULT_MAX_MESSAGE, proto};
use super::connections::Connections;
use super::gate::Gate;
use super::health::Condition;
use super::meters::ACCEPT_FAILURES;
use super::services::routes;
use super::tls::ServerTls;
use crate::acceptor::Acceptor;

const DEFAULT_CONNECTIONS: usize = 1_024;
const DEFAULT_DRAIN: Duration = Duration::from_secs(5);

/// A listener and the stores that it offers to nodes, with options.
///
/// It offers gRPC health beside them, for each service and for the whole, and reflection.
///
/// ```
/// # async fn example(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use std::sync::Arc;
///
/// use chat_adapters::grpc::Serve;
/// use chat_core::memory::MemoryStore;
/// use chat_core::ports::Stores;
///
/// Serve::new(listener, Stores::of(Arc::new(MemoryStore::default())))
///     .connections(64)
///     .until(std::future::pending())
///     .await
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is served before `until`"]
pub struct Serve {
    listener: TcpListener,
    stores: Stores,
    tls: Option<ServerTls>,
    clock: Arc<dyn Clock>,
    serving: watch::Receiver<bool>,
    max_message: usize,
    connections: usize,
    drain: Duration,
}

impl Serve {
    /// A listener and the stores that it offers.
    pub fn new(listener: TcpListener, stores: Stores) -> Self {
        Self {
            listener,
            stores,
            tls: None,
            clock: Arc::new(SystemClock),
            serving: watch::Sender::new(true).subscribe(),
            max_message: DEFAULT_MAX_MESSAGE,
            connections: DEFAULT_CONNECTIONS,
            drain: DEFAULT_DRAIN,
        }
    }

    /// Asks every node for TLS; plaintext otherwise.
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets the clock by which calls are too late; the system's otherwise.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what health tells: serving while it is true; always otherwise.
    ///
    /// It is only told. A call that comes all the same is made.
    pub fn serving(mut self, serving: watch::Receiver<bool>) -> Self {
        self.serving = serving;
        self
    }

    /// Sets the longest message in bytes, in both directions; [`DEFAULT_MAX_MESSAGE`] otherwise.
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets how many connections may be open at once; 1,024 otherwise. Further ones are closed.
    pub const fn connections(mut self, limit: usize) -> Self {
        self.connections = limit;
        self
    }

    /// Sets what calls under way get at the end; 5 s otherwise.
    pub const fn drain(mut self, deadline: Duration) -> Self {
        self.drain = deadline;
        self
    }

    /// Serves until `shutdown` completes.
    ///
    /// From then on health tells that nothing is served, no connection and no further call is taken, and it answers
    /// when the calls under way have ended, or their time has. Dropping the future ends all connections and calls at
    /// once.
    ///
    /// # Errors
    /// Where the listener fails for good. A lack of resources is waited out.
    pub async fn until(self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let mut condition = Condition::new(self.serving).await;
        let gate = Gate::new(self.clock);
        let routes = routes(&self.stores, &gate, self.max_message).add_service(condition.service());
        let routes = with_reflection(routes)?.prepare();
        let mut acceptor = Acceptor::new(self.listener, ACCEPT_FAILURES);
        let mut connections = Connections::new(routes, self.tls, self.connections);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            // Every branch is cancel safe: `shutdown` is only borrowed, `next` keeps its state in the acceptor, `ended`
            // takes nothing before it is ready, and `follow` tells later what it did not tell.
            tokio::select! {
                () = &mut shutdown => break,
                accepted = acceptor.next() => {
                    let (socket, peer) = accepted?;
                    connections.start(socket, peer);
                }
                () = connections.ended(), if !connections.is_empty() => {}
                () = condition.follow() => {}
            }
        }
        drop(acceptor);
        condition.end().await;
        connections.drain(self.drain).await;
        Ok(())
    }
}

/// Adds the description of all services.
fn with_reflection(routes: Routes) -> io::Result<Routes> {
    let reflection = Reflection::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTION)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(io::Error::other)?;
    Ok(routes.add_service(reflection))
}
