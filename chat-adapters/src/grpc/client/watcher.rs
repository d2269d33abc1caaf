//! Keeps the connection to one backend, and watches whether it is serving.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_core::chain;
use chat_core::ports::Peer;
use metrics::Gauge;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::board::{Board, Connection, State};
use super::connector::Connector;
use super::meters::{BACKENDS, CONNECTIONS_LOST};
use super::{LONGEST_WAIT, RemoteOptions, SHORTEST_WAIT};
use crate::retry::Retry;

/// The largest window of flow control in HTTP/2.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// Tells connections apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Connects to one backend again and again.
pub(super) struct Watcher {
    pub(super) board: Arc<Board>,
    pub(super) peer: Arc<Peer>,
    pub(super) connector: Connector,
    pub(super) options: RemoteOptions,
}

/// How watching a connection came to its end.
enum Ending {
    /// The connection broke: nobody will answer the calls that are under way there.
    Lost(String),
    /// The backend ended the watch, as it does when it stops: it still answers what it has.
    Over,
}

impl Watcher {
    /// Works until `end`, which leaves the calls under way alone.
    pub(super) async fn run(self, end: CancellationToken) {
        let mut shown = Shown::new(&self.peer);
        let mut retry = Retry::new(SHORTEST_WAIT, LONGEST_WAIT);
        loop {
            let attempt = self.connect_and_watch(&mut shown, &mut retry);
            let Some(why) = end.run_until_cancelled(attempt).await else {
                return;
            };
            shown.away(&why);
            if end.run_until_cancelled(sleep(retry.next_delay())).await.is_none() {
                return;
            }
        }
    }

    /// Answers why the backend cannot be called any more.
    async fn connect_and_watch(&self, shown: &mut Shown, retry: &mut Retry) -> String {
        let channel = match self.connect().await {
            Ok(channel) => channel,
            Err(why) => return why,
        };
        let connection = Connection {
            number: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
            channel,
            lost: CancellationToken::new(),
        };
        let ending = self.watch(&connection, shown, retry).await;
        // Known before the calls under way end, so that they are not made again here.
        self.board.set(&self.peer, State::Away);
        match ending {
            Ending::Over => "it has ended".to_owned(),
            Ending::Lost(why) => {
                connection.lost.cancel();
                CONNECTIONS_LOST.count(&[]).increment(1);
                why
            }
        }
    }

    async fn connect(&self) -> Result<Channel, String> {
        let limit = self.limit();
        let endpoint = self.endpoint()?;
        let connecting = endpoint.connect_with_connector(self.connector.clone());
        match timeout(limit, connecting).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err(format!("it did not answer within {limit:?}")),
        }
    }

    fn endpoint(&self) -> Result<Endpoint, String> {
        let address = &self.peer.address;
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let mut endpoint = endpoint.map_err(|_| "its address is not HOST:PORT".to_owned())?;
        if self.connector.is_encrypted() {
            let origin = format!("https://{address}").parse();
            endpoint = endpoint.origin(origin.map_err(|_| "its address is not HOST:PORT".to_owned())?);
        }
        // One message fits at once, so that none waits for the other side to say that it may go on.
        let window = u32::try_from(self.options.max_message).unwrap_or(LARGEST_WINDOW);
        let window = window.clamp(u32::from(u16::MAX), LARGEST_WINDOW / 2);
        let keepalive = self.options.keepalive;
        Ok(endpoint
            .http2_keep_alive_interval(keepalive.interval)
            .keep_alive_timeout(keepalive.timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(window)
            .initial_connection_window_size(window * 2))
    }

    /// The time in which keepalive finds that nobody answers.
    fn limit(&self) -> Duration {
        let keepalive = self.options.keepalive;
        keepalive.interval.saturating_add(keepalive.timeout)
    }

    /// Follows what the backend says of itself, by gRPC's health service.
    async fn watch(&self, connection: &Connection, shown: &mut Shown, retry: &mut Retry) -> Ending {
        let mut health = HealthClient::new(connection.channel.clone());
        let watching = timeout(self.limit(), health.watch(HealthCheckRequest::default()));
        let mut answers = match watching.await {
            Ok(Ok(answers)) => answers.into_inner(),
            Ok(Err(status)) if status.code() == Code::Unimplemented => {
                retry.works();
                self.tell(connection, ServingStatus::Serving, shown);
                return self.look_again(health).await;
            }
            Ok(Err(status)) => return ending(&status),
            Err(_) => return Ending::Lost("it does not say how it is".to_owned()),
        };
        loop {
            match answers.message().await {
                Ok(Some(answer)) => {
                    retry.works();
                    self.tell(connection, answer.status(), shown);
                }
                Ok(None) => return Ending::Over,
                Err(status) => return ending(&status),
            }
        }
    }

    /// Looks whether a backend is there that cannot tell how it is: any answer says so.
    async fn look_again(&self, mut health: HealthClient<Channel>) -> Ending {
        loop {
            sleep(self.options.keepalive.interval).await;
            let looking = timeout(self.limit(), health.check(HealthCheckRequest::default()));
            match looking.await {
                Ok(Ok(_)) => {}
                Ok(Err(status)) if is_answer(&status) => {}
                Ok(Err(status)) => return ending(&status),
                Err(_) => return Ending::Lost("it does not answer".to_owned()),
            }
        }
    }

    fn tell(&self, connection: &Connection, status: ServingStatus, shown: &mut Shown) {
        let connection = connection.clone();
        if status == ServingStatus::Serving {
            self.board.set(&self.peer, State::Serving(connection));
            shown.serving();
        } else {
            self.board.set(&self.peer, State::NotServing(connection));
            shown.not_serving();
        }
    }
}

/// Whether a status was sent by the backend, and does not stand for a connection that broke.
fn is_answer(status: &Status) -> bool {
    std::error::Error::source(status).is_none()
}

fn ending(status: &Status) -> Ending {
    match std::error::Error::source(status) {
        None => Ending::Over,
        Some(transport) => Ending::Lost(chain(transport)),
    }
}

/// The state of a backend as logs and metrics have it: each change is told once.
struct Shown {
    node: String,
    state: Option<&'static str>,
    gauge: Gauge,
}

impl Shown {
    fn new(peer: &Peer) -> Self {
        Self {
            node: peer.node.to_string(),
            state: None,
            gauge: Gauge::noop(),
        }
    }

    fn serving(&mut self) {
        if self.becomes("serving") {
            tracing::info!(backend = self.node, "a backend is serving");
        }
    }

    fn not_serving(&mut self) {
        if self.becomes("not_serving") {
            tracing::warn!(backend = self.node, "a backend says that it is not serving");
        }
    }

    fn away(&mut self, why: &str) {
        if self.becomes("away") {
            tracing::warn!(backend = self.node, why, "a backend is away");
        }
    }

    fn becomes(&mut self, state: &'static str) -> bool {
        if self.state == Some(state) {
            return false;
        }
        self.gauge.decrement(1.0);
        self.gauge = BACKENDS.level(&[state]);
        self.gauge.increment(1.0);
        self.state = Some(state);
        true
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}
