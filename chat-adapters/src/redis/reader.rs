//! One connection that listens on one server.

use std::sync::Arc;

use redis::{Pipeline, PushKind, RedisError, Value};
use tokio_util::sync::CancellationToken;

use super::channels::{Channels, Number};
use super::connect::{Connector, Live};
use super::error::CallError;
use super::receiver::Receiver;
use super::{Address, Deployment};

/// Channels that are subscribed or left in one go.
const CHANNELS_AT_ONCE: usize = 1_000;

/// One connection that listens on one server. Dropping it ends it.
pub(super) struct Reader {
    pub(super) id: u64,
    live: Live,
    receiver: Arc<Receiver>,
    deployment: Deployment,
}

impl Reader {
    pub(super) async fn connect(
        connector: &Connector,
        address: &Address,
        receiver: Receiver,
        id: u64,
    ) -> Result<Self, CallError> {
        let receiver = Arc::new(receiver);
        let pushes = Arc::clone(&receiver);
        let live = connector
            .connect(address, receiver.end.clone(), Some(pushes))
            .await?;
        Ok(Self {
            id,
            live,
            receiver,
            deployment: connector.options.deployment,
        })
    }

    /// Cancelled when the connection has ended.
    pub(super) fn lost(&self) -> CancellationToken {
        self.live.lost.clone()
    }

    /// Subscribes channels; those that the server has confirmed are added to `subscribed`, also
    /// where another one fails.
    pub(super) async fn subscribe(
        &self,
        numbers: &[Number],
        channels: &Channels,
        subscribed: &mut Vec<Number>,
    ) -> Result<(), CallError> {
        let mut failure = None;
        for numbers in numbers.chunks(CHANNELS_AT_ONCE) {
            let names: Vec<_> = numbers.iter().map(|number| channels.name(*number)).collect();
            let results = match self.deployment {
                Deployment::Single => self.subscribe_all(&names).await,
                Deployment::Cluster => self.send_each("SSUBSCRIBE", &names).await,
            };
            let results = match results.map_err(CallError::from) {
                Ok(results) => results,
                Err(refused @ CallError::Answered { .. }) => {
                    failure = Some(refused);
                    continue;
                }
                Err(error) => {
                    // Nobody can tell which answers are still to come on this connection.
                    self.receiver.end.cancel();
                    return Err(error);
                }
            };
            for (number, result) in numbers.iter().zip(results) {
                match result.map_err(CallError::from) {
                    Ok(Value::Push {
                        kind: PushKind::SSubscribe,
                        ..
                    })
                    | Ok(Value::Okay) => subscribed.push(*number),
                    Ok(_) => {
                        self.receiver.end.cancel();
                        failure = Some(CallError::Unexpected {
                            command: "SSUBSCRIBE",
                        });
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Whether others are subscribed here who spread topics over another number of channels. Where Redis does not say, as
    /// to users without the right to ask, nobody knows.
    pub(super) async fn finds_foreign(&self, channels: &Channels) -> bool {
        let subcommand = match self.deployment {
            Deployment::Single => "CHANNELS",
            Deployment::Cluster => "SHARDCHANNELS",
        };
        let mut connection = self.live.connection.clone();
        let mut command = redis::cmd("PUBSUB");
        command.arg(subcommand).arg(channels.family());
        let names: Result<Vec<String>, _> = command.query_async(&mut connection).await;
        names.is_ok_and(|names| names.iter().any(|name| channels.is_foreign(name)))
    }

    /// One command for all channels, which succeeds or fails as a whole.
    async fn subscribe_all(&self, names: &[&str]) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let mut connection = self.live.connection.clone();
        connection.subscribe(names).await?;
        Ok(names.iter().map(|_| Ok(Value::Okay)).collect())
    }

    /// One command a channel, because the channels of one command must have one slot.
    async fn send_each(
        &self,
        command: &str,
        names: &[&str],
    ) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let mut connection = self.live.connection.clone();
        let mut pipeline = Pipeline::with_capacity(names.len());
        for name in names {
            pipeline.cmd(command).arg(name);
        }
        let values = connection.send_packed_commands(&pipeline, 0, names.len()).await?;
        Ok(values.into_iter().map(Value::extract_error).collect())
    }

    /// Leaves channels. Where that fails the connection ends, and takes its channels with it.
    pub(super) async fn unsubscribe(&self, names: &[&str]) {
        for names in names.chunks(CHANNELS_AT_ONCE) {
            let left = match self.deployment {
                Deployment::Single => {
                    let mut connection = self.live.connection.clone();
                    connection.unsubscribe(names).await
                }
                Deployment::Cluster => {
                    self.receiver.will_unsubscribe(names.len());
                    self.send_each("SUNSUBSCRIBE", names).await.map(drop)
                }
            };
            if left.is_err() {
                self.receiver.end.cancel();
                return;
            }
        }
    }
}
