//! One connection to one server: made within a time-out, watched, and owned by a task group.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::CallError;
use super::meters::CONNECTION_ATTEMPTS;
use super::receiver::Receiver;
use super::{Address, Deployment, RedisOptions, tls};

/// Requests that may wait in one connection; further ones wait in their callers.
const WAITING_REQUESTS: usize = 64;

/// What all connections of one bus or presence share.
pub(super) struct Connector {
    pub(super) options: RedisOptions,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    tls: OnceLock<TlsConnector>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A connection that works until `lost` is cancelled. Dropping it ends it.
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    /// Cancelled when the connection has ended, whoever ended it.
    pub(super) lost: CancellationToken,
    end: CancellationToken,
}

impl Live {
    /// A token whose cancellation ends the connection.
    pub(super) fn end(&self) -> CancellationToken {
        self.end.clone()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Connector {
    pub(super) fn new(options: RedisOptions) -> Self {
        Self {
            options,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            tls: OnceLock::new(),
        }
    }

    /// Ends everything that was started, and waits for it.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.options.deployment == Deployment::Cluster
    }

    /// Connects within the call's time-out. `pushes` gets what the server sends unasked.
    pub(super) async fn connect(
        &self,
        address: &Address,
        end: CancellationToken,
        pushes: Option<Arc<Receiver>>,
    ) -> Result<Live, CallError> {
        CONNECTION_ATTEMPTS.count(&[]).increment(1);
        let limit = self.options.call_timeout;
        match timeout(limit, self.open(address, &end, pushes)).await {
            Ok(Ok(live)) => Ok(live),
            Ok(Err(error)) => Err(CallError::connecting(address, &error)),
            Err(_) => Err(CallError::away(
                address.to_string(),
                format!("it did not answer within {limit:?}"),
            )),
        }
    }

    async fn open(
        &self,
        address: &Address,
        end: &CancellationToken,
        pushes: Option<Arc<Receiver>>,
    ) -> Result<Live, RedisError> {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        match &self.options.tls {
            None => self.start(stream, end, pushes).await,
            Some(tls) => {
                let connector = self.tls(tls).await?;
                let stream = tls::handshake(&connector, &address.host, stream).await?;
                self.start(stream, end, pushes).await
            }
        }
    }

    /// Reads whom to trust once it is needed; a failure is tried again by the next attempt.
    async fn tls(&self, tls: &super::Tls) -> Result<TlsConnector, RedisError> {
        if let Some(connector) = self.tls.get() {
            return Ok(connector.clone());
        }
        let tls = tls.clone();
        let read = tokio::task::spawn_blocking(move || tls::connector(&tls)).await;
        let connector = read.map_err(std::io::Error::other)??;
        Ok(self.tls.get_or_init(|| connector).clone())
    }

    /// Greets the server, and starts the task that drives and watches the connection.
    async fn start<S>(
        &self,
        stream: S,
        end: &CancellationToken,
        pushes: Option<Arc<Receiver>>,
    ) -> Result<Live, RedisError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut config = AsyncConnectionConfig::new()
            .set_pipeline_buffer_size(WAITING_REQUESTS)
            .set_response_timeout(Some(self.options.call_timeout));
        if let Some(pushes) = &pushes {
            config = config.set_push_sender(Arc::clone(pushes));
        }
        let greeting = self.greeting();
        let (connection, driver) = MultiplexedConnection::new_with_config(&greeting, stream, config).await?;
        let live = Live {
            connection,
            lost: CancellationToken::new(),
            end: end.child_token(),
        };
        let watch = Watch {
            connection: live.connection.clone(),
            pushes,
            interval: self.options.ping_interval,
            timeout: self.options.ping_timeout,
        };
        let (ended, lost) = (live.end(), live.lost.clone());
        self.tasks.spawn(async move {
            let lost = lost.drop_guard();
            // Each branch ends the connection, so nothing of the others is needed any more. What has
            // come is read before the watch looks at the time.
            tokio::select! {
                biased;
                () = ended.cancelled() => {}
                () = driver => {}
                () = watch.run() => {}
            }
            drop(lost);
        });
        Ok(live)
    }

    fn greeting(&self) -> RedisConnectionInfo {
        let mut info = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(self.options.database.into());
        if let Some(user) = &self.options.user {
            info = info.set_username(user);
        }
        if let Some(password) = &self.options.password {
            info = info.set_password(password);
        }
        info
    }
}

/// Asks the server again and again whether it is there: a stalled connection looks open for minutes
/// to those who only wait.
struct Watch {
    connection: MultiplexedConnection,
    pushes: Option<Arc<Receiver>>,
    interval: Duration,
    timeout: Duration,
}

impl Watch {
    /// Ends when nothing comes in time.
    async fn run(mut self) {
        let mut ticks = interval(self.interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let before = self.signs_of_life();
            if !self.ping().await && before == self.signs_of_life() {
                return;
            }
        }
    }

    /// Whether the server answers in time. It may be late behind much else that it has to send.
    async fn ping(&mut self) -> bool {
        let ping = redis::cmd("PING");
        let answer = timeout(self.timeout, ping.query_async::<String>(&mut self.connection)).await;
        matches!(answer, Ok(Ok(text)) if text == "PONG")
    }

    fn signs_of_life(&self) -> u64 {
        self.pushes.as_ref().map_or(0, |pushes| pushes.signs_of_life())
    }
}
