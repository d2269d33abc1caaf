//! The store that others keep.

use std::sync::Arc;
use std::time::Duration;

use chat_core::ports::Registry;
use chat_core::{BackendError, SystemClock};
use prost::Message;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::RemoteOptions;
use super::board::Board;
use super::call::Caller;
use super::connector::Connector;
use super::follower::Follower;
use crate::grpc::TlsError;
use crate::grpc::class::Class;
use crate::grpc::conversion::Wire;
use crate::grpc::methods::Method;
use crate::grpc::paced::Paced;

/// Every store port over RPC: a store that backend services keep. Cheap to clone; the last clone's end stops it.
///
/// - **Backends** are those of a registry. Each has one connection, which comes back by itself, and is *serving* while
///   its health service says so. A call goes to one of two serving backends that are drawn at random: the one with
///   fewer calls under way and shorter answers. Where none is serving, one that is connected is called; where none is
///   connected, the call waits for one.
/// - **A failed call** is made again once, on another backend where there is one: any call that was *not done*, and
///   reads and writes that are safe to repeat where it *may have happened*.
/// - **Time.** No call takes longer than [`RemoteOptions::call_timeout`], whatever happens. A read that is not answered
///   by then was *not done*, a write *may have happened*, and a call that found no backend was *not done*.
#[derive(Clone, Debug)]
pub struct RemoteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    caller: Caller,
    stop: CancellationToken,
    tasks: TaskTracker,
    _end: DropGuard,
}

impl RemoteStore {
    /// Begins to connect to the backends of a registry, and returns at once. Reads files where TLS names some.
    ///
    /// # Errors
    /// [`TlsError`] where the files of TLS cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(registry: Arc<dyn Registry>, options: RemoteOptions) -> Result<Self, TlsError> {
        let connector = Connector::new(options.tls.as_ref())?;
        let board = Arc::new(Board::new(fastrand::Rng::new()));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let follower = Follower {
            registry,
            board: Arc::clone(&board),
            connector,
            options: options.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(follower.run());
        let caller = Caller {
            board,
            options,
            clock: Arc::new(SystemClock),
            failures: Paced::default(),
        };
        let shared = Shared {
            caller,
            _end: stop.clone().drop_guard(),
            stop,
            tasks,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Waits until a backend is serving. Cancel safe.
    ///
    /// # Errors
    /// *Not done*, where none is serving within that time.
    pub async fn ready(&self, within: Duration) -> Result<(), BackendError> {
        let serving = timeout(within, self.shared.caller.board.serving()).await;
        serving.map_err(|late| BackendError::not_done("no backend is serving").because(late))
    }

    /// Gives up what is under way, ends all connections and waits for that. Calls fail from then on.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// How many messages of the largest size, and what is beside them, take no more than half of an answer: the rest is for
    /// what else comes with them.
    pub(super) fn messages_beside_others(&self) -> usize {
        /// A message's text, its data, and the ids and times beside them.
        const MESSAGE: usize = 8_192 + 8_192 + 1_024;
        self.shared.caller.options.max_message / 2 / MESSAGE
    }

    /// Makes a call, unless the store is closed.
    pub(super) async fn call<Asked, Answered, Value>(
        &self,
        method: &Method<Asked, Answered>,
        request: Asked,
    ) -> Result<Value, BackendError>
    where
        Asked: Message + 'static,
        Answered: Message + Default + 'static,
        Value: Wire<Answered>,
    {
        let Shared { caller, stop, .. } = &*self.shared;
        if stop.is_cancelled() {
            return Err(BackendError::not_done("the store is closed"));
        }
        let called = stop.run_until_cancelled(caller.call(method, request)).await;
        let closed = "the store was closed during the call";
        called.unwrap_or_else(|| {
            Err(match method.class {
                Class::Read => BackendError::not_done(closed),
                Class::Repeatable | Class::Append | Class::Once => BackendError::unknown(closed),
            })
        })
    }
}
