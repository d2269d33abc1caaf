//! The tasks of all connections of an endpoint.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chat_core::Connection;
use chat_core::protocol::{Event, Goodbye};
use futures_util::FutureExt as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::messages::Messages;
use super::pulse::Heartbeat;
use super::wire::{MessageWire, pack};
use crate::link::{Link, Outgoing, Traffic, Wire, part};

/// Refused connections that are told why at the same time; further ones get no more than a status.
const REFUSALS: usize = 64;
/// The time that a refused connection gets to take its goodbye.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The tasks; dropping it ends them.
#[derive(Debug)]
pub(super) struct Links {
    tasks: TaskTracker,
    stop: CancellationToken,
    _guard: DropGuard,
    refusals: Arc<Semaphore>,
}

/// A connection that the chat admitted, while its handshake ends.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) connection: Connection,
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) close_timeout: Duration,
    pub(super) traffic: Traffic,
}

impl Links {
    pub(super) fn new() -> Self {
        let stop = CancellationToken::new();
        Self {
            tasks: TaskTracker::new(),
            _guard: stop.clone().drop_guard(),
            stop,
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        }
    }

    /// Serves a connection, once its handshake is over.
    pub(super) fn serve(&self, upgrade: OnUpgrade, admitted: Admitted) {
        self.spawn(serve(upgrade, Box::new(admitted)));
    }

    /// Room to tell somebody why there is no connection.
    pub(super) fn room_to_refuse(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.refusals).try_acquire_owned().ok()
    }

    /// Says why, once the handshake is over, then closes.
    pub(super) fn refuse(&self, upgrade: OnUpgrade, goodbye: Goodbye, room: OwnedSemaphorePermit) {
        self.spawn(async move {
            refuse(upgrade, goodbye).await;
            drop(room);
        });
    }

    /// Waits until no connection is left and nobody is being refused.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Its own, as each look at a token takes the lock of that token.
        let stop = self.stop.child_token();
        self.tasks.spawn(async move {
            // Nothing that the task leaves behind is used again, so that it cannot be seen half changed.
            let ended = AssertUnwindSafe(stop.run_until_cancelled(work))
                .catch_unwind()
                .await;
            if ended.is_err() {
                tracing::error!("the task of a connection failed; its connection is closed");
            }
        });
    }
}

/// Boxed, because a future keeps what it is given twice.
async fn serve(upgrade: OnUpgrade, admitted: Box<Admitted>) {
    let end = admitted.connection.end();
    // Cancel safe: a connection whose end is due is given up with all that belongs to it.
    let upgraded = tokio::select! {
        upgraded = upgraded(upgrade) => upgraded,
        () = end.overdue() => None,
    };
    if let Some(socket) = upgraded {
        admitted.on(socket).run().await;
    }
}

impl Admitted {
    fn on<S>(self: Box<Self>, socket: S) -> Box<Link<MessageWire<S>>>
    where
        MessageWire<S>: Wire,
    {
        let Self {
            connection,
            heartbeat,
            close_timeout,
            traffic,
        } = *self;
        let wire = MessageWire::new(socket, connection.max_frame(), heartbeat);
        Box::new(Link::new(wire, connection, close_timeout, traffic))
    }
}

/// The socket after the handshake; `None` where the client left during it.
async fn upgraded(upgrade: OnUpgrade) -> Option<TokioIo<Upgraded>> {
    match upgrade.await {
        Ok(upgraded) => Some(TokioIo::new(upgraded)),
        Err(error) => {
            tracing::debug!(%error, "a connection ended within its handshake");
            None
        }
    }
}

async fn refuse(upgrade: OnUpgrade, goodbye: Goodbye) {
    let Ok(frame) = Event::Goodbye(goodbye.clone()).to_frame().encode() else {
        return;
    };
    let Ok(Some(socket)) = timeout(REFUSAL_TIMEOUT, upgraded(upgrade)).await else {
        return;
    };
    let mut outgoing = Outgoing::default();
    pack(&mut vec![frame], &mut outgoing);
    outgoing.extend(&Messages::new(0).close(Some(&goodbye)));
    part(socket, outgoing, REFUSAL_TIMEOUT).await;
}
