//! The way to one server for calls: a connection that comes back by itself.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Value};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Address;
use super::connect::Connector;
use super::error::CallError;
use super::meters::CONNECTIONS_LOST;
use crate::retry::Retry;

/// The way to one server. Dropping it ends its connection.
#[derive(Debug)]
pub(super) struct Link {
    address: Address,
    state: watch::Receiver<State>,
    _end: DropGuard,
}

#[derive(Clone, Debug)]
enum State {
    /// The first attempt, or the first after a loss, is under way: calls wait for it.
    Connecting,
    Up(MultiplexedConnection),
    /// The last attempt failed: calls fail at once, until one works.
    Down(CallError),
}

impl Link {
    pub(super) fn start(connector: &Arc<Connector>, address: Address) -> Self {
        let end = connector.stop.child_token();
        let (tell, state) = watch::channel(State::Connecting);
        let task = keep(Arc::clone(connector), address.clone(), end.clone(), tell);
        connector.tasks.spawn(task);
        Self {
            address,
            state,
            _end: end.drop_guard(),
        }
    }

    /// Sends commands in one go; answers their results in order.
    pub(super) async fn send(
        &self,
        commands: impl ExactSizeIterator<Item = Cmd>,
    ) -> Result<Vec<Result<Value, CallError>>, CallError> {
        let mut connection = self.connection().await?;
        let count = commands.len();
        let mut pipeline = Pipeline::with_capacity(count);
        commands.for_each(|command| {
            pipeline.add_command(command);
        });
        let values = connection.send_packed_commands(&pipeline, 0, count).await?;
        let results = values
            .into_iter()
            .map(|value| value.extract_error().map_err(CallError::from));
        Ok(results.collect())
    }

    async fn connection(&self) -> Result<MultiplexedConnection, CallError> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.as_deref() {
            Ok(State::Up(connection)) => Ok(connection.clone()),
            Ok(State::Down(error)) => Err(error.clone()),
            Ok(State::Connecting) | Err(_) => Err(CallError::away(self.address.to_string(), "it was closed")),
        }
    }
}

/// Keeps a connection until the link ends.
async fn keep(
    connector: Arc<Connector>,
    address: Address,
    end: CancellationToken,
    tell: watch::Sender<State>,
) {
    let mut retry = Retry::new(connector.options.retry_min, connector.options.retry_max);
    loop {
        let connecting = connector.connect(&address, end.clone(), None);
        match end.run_until_cancelled(connecting).await {
            None => return,
            Some(Err(error)) => {
                tell.send_replace(State::Down(error));
            }
            Some(Ok(live)) => {
                retry.works();
                tell.send_replace(State::Up(live.connection.clone()));
                live.lost.cancelled().await;
                tell.send_replace(State::Connecting);
                if !end.is_cancelled() {
                    CONNECTIONS_LOST.count(&[]).increment(1);
                }
            }
        }
        if end.run_until_cancelled(sleep(retry.next_delay())).await.is_none() {
            return;
        }
    }
}
