//! The store's connections.
//!
//! A connection comes back only from a call that was finished. Any other is closed at once: the answer
//! that it still owes would otherwise reach, or hold up, whoever uses it next. The pool of sqlx waits
//! for that answer without a deadline, while the connection counts as one of those allowed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Connection, MySqlConnection};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::MySqlOptions;
use super::meters::{CONNECTION_WAIT_SECONDS, CONNECTIONS_IN_USE, CONNECTIONS_LIMIT, CONNECTIONS_MADE};
use super::session::Session;

/// Beyond the smallest number, connections that were idle for as long as this are closed.
const IDLE_FOR: Duration = Duration::from_secs(600);
/// How long closing waits for the server to take a connection's farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// Connections to one database, a limited number.
pub(super) struct Pool {
    server: MySqlConnectOptions,
    settings: String,
    max_connections: u32,
    min_connections: usize,
    permits: Semaphore,
    /// The one that was used last comes at the end, and is used next.
    idle: Mutex<Vec<Idle>>,
    wait_seconds: Histogram,
    in_use: Gauge,
    made: Counter,
}

struct Idle {
    connection: MySqlConnection,
    since: Instant,
}

/// Why there is no connection.
pub(super) enum NoConnection {
    /// All are in use.
    Exhausted,
    /// The store is closed.
    Closed,
    /// A new one was not made.
    Failed(sqlx::Error),
    /// A new one was not made in time.
    OutOfTime,
}

impl Pool {
    pub(super) fn new(options: &MySqlOptions) -> Self {
        let max_connections = options.max_connections.get();
        CONNECTIONS_LIMIT.level(&[]).set(max_connections);
        Self {
            server: options.server.clone(),
            settings: settings(options.call_timeout),
            max_connections,
            min_connections: usize::try_from(options.min_connections.min(max_connections)).unwrap_or(1),
            permits: Semaphore::new(usize::try_from(max_connections).unwrap_or(1)),
            idle: Mutex::new(Vec::new()),
            wait_seconds: CONNECTION_WAIT_SECONDS.distribution(&[]),
            in_use: CONNECTIONS_IN_USE.level(&[]),
            made: CONNECTIONS_MADE.count(&[]),
        }
    }

    /// Makes a connection with the store's settings.
    pub(super) async fn connect(&self) -> Result<MySqlConnection, sqlx::Error> {
        let mut connection = self.server.connect().await?;
        let settings = sqlx::raw_sql(sqlx::AssertSqlSafe(self.settings.clone()));
        settings.execute(&mut connection).await?;
        self.made.increment(1);
        Ok(connection)
    }

    /// Makes the connections that are there from the beginning.
    pub(super) async fn fill(&self) -> Result<(), sqlx::Error> {
        for _ in 0..self.min_connections {
            let connection = self.connect().await?;
            self.keep(connection);
        }
        Ok(())
    }

    /// Takes a connection: an idle one, or a new one where there is none.
    pub(super) async fn acquire(
        &self,
        wait_until: Instant,
        deadline: Instant,
    ) -> Result<(Session, Permit<'_>), NoConnection> {
        let began_at = Instant::now();
        let acquired = timeout_at(wait_until, self.permits.acquire()).await;
        self.wait_seconds.record(began_at.elapsed());
        let permit = acquired
            .map_err(|_| NoConnection::Exhausted)?
            .map_err(|_| NoConnection::Closed)?;
        let permit = Permit::new(permit, &self.in_use);
        let idle = self.idle().pop();
        let connection = match idle {
            Some(idle) => idle.connection,
            None => timeout_at(deadline, self.connect())
                .await
                .map_err(|_| NoConnection::OutOfTime)?
                .map_err(NoConnection::Failed)?,
        };
        Ok((Session::new(connection), permit))
    }

    /// Closes what is idle, because one connection was found to be gone: the others most likely are too.
    pub(super) fn forget_idle(&self) {
        let forgotten = std::mem::take(&mut *self.idle());
        drop(forgotten);
    }

    /// Takes no further call, waits for those under way, and closes all connections.
    pub(super) async fn close(&self) {
        let finished = self.permits.acquire_many(self.max_connections).await;
        self.permits.close();
        drop(finished);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            // The server closes its end by itself where the farewell does not reach it.
            let _ = timeout(FAREWELL, idle.connection.close()).await;
        }
    }

    /// Keeps a connection for the next call. Dropping one instead closes it.
    pub(super) fn keep(&self, connection: MySqlConnection) {
        let now = Instant::now();
        let mut idle = self.idle();
        let surplus = (idle.len() + 1).saturating_sub(self.min_connections);
        let old = idle
            .iter()
            .take(surplus)
            .take_while(|idle| now.duration_since(idle.since) > IDLE_FOR)
            .count();
        idle.drain(..old);
        idle.push(Idle {
            connection,
            since: now,
        });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one connection.
pub(super) struct Permit<'p> {
    _inner: SemaphorePermit<'p>,
    in_use: &'p Gauge,
}

impl<'p> Permit<'p> {
    fn new(permit: SemaphorePermit<'p>, in_use: &'p Gauge) -> Self {
        in_use.increment(1.0);
        Self {
            _inner: permit,
            in_use,
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.in_use.decrement(1.0);
    }
}

/// The settings of a session, whatever the server's defaults are.
///
/// Waiting for a lock ends well before the call's deadline, such that a call that was given up leaves
/// no transaction behind that waits on, and keeps its own locks meanwhile.
///
/// A process or a machine that stands still within a transaction keeps its locks as well, from everybody: MariaDB ends
/// the transaction when its call has been given up. MySQL has no such setting, and passes over that comment.
fn settings(call_timeout: Duration) -> String {
    let lock_wait = (call_timeout.as_secs() / 2).clamp(1, 50);
    let idle = call_timeout.as_millis().div_ceil(1_000).max(1);
    format!(
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin;
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
         SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1,
             SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = {lock_wait},
             SESSION lock_wait_timeout = {lock_wait}
             /*M!100300 , SESSION idle_transaction_timeout = {idle} */"
    )
}
