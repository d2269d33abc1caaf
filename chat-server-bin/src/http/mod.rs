//! The HTTP side door: whether the server is alive, whether it is ready, its metrics, clients that come by WebSocket,
//! and the web client, which is one of them.
//!
//! It has an address of its own. It answers from before the store is opened until after everything is drained, so
//! that a load balancer always gets an answer.

mod connections;
mod exposition;
mod routes;
mod web;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use chat_adapters::tls::ServerTls;
use chat_adapters::websocket::Endpoint;
use chat_core::Chat;

use crate::failure::Failure;
use crate::listen::{self, OPERATORS, Taken};
use crate::tasks::Tasks;
use exposition::Exposition;

/// Whether the side door has the page of the web client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Served,
    Absent,
}

/// The side door, once it is open.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    behind: Arc<Behind>,
}

/// What is behind the door, once it is there.
#[derive(Debug, Default)]
struct Behind {
    chat: OnceLock<Chat>,
    websockets: OnceLock<Endpoint>,
}

impl Door {
    /// Begins to answer at an address that was taken, and to count what `/metrics` shows.
    pub(crate) fn open(
        taken: Taken,
        tls: Option<ServerTls>,
        page: Page,
        tasks: &mut Tasks,
    ) -> Result<Self, Failure> {
        let address = taken.address();
        let listener = taken.listen()?;
        let exposition = Exposition::install()?;
        tasks.spawn("metrics", exposition.clone().keep_up(tasks.stop_token().clone()));
        let behind = Arc::default();
        let routes = routes::routes(Arc::clone(&behind), exposition, page);
        tasks.spawn(
            "http",
            connections::serve(listener, tls, routes, tasks.stop_token().clone()),
        );
        tracing::info!(%address, "answering /healthz, /readyz and /metrics by HTTP");
        Ok(Self { address, behind })
    }

    /// Where it answers.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `/readyz` tells of this node.
    pub(crate) fn show(&self, chat: Chat) {
        // There is one node in a process.
        let _ = self.behind.chat.set(chat);
    }

    /// From now on `/ws` lets clients in.
    pub(crate) fn let_in(&self, websockets: Endpoint) {
        // One node has one.
        let _ = self.behind.websockets.set(websockets);
    }
}

/// Takes the address, before anything else is touched; `None` where the door is switched off.
pub(crate) async fn take(address: Option<&str>) -> Result<Option<Taken>, Failure> {
    match address {
        Some(address) => listen::take(OPERATORS, address).await.map(Some),
        None => Ok(None),
    }
}
