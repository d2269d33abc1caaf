//! The store, and how each call is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chat_core::BackendError;
use tokio::time::{Instant, sleep, timeout_at};

use super::error::{CallError, Cause, failed};
use super::meters::RETRIES;
use super::pool::{NoConnection, Pool};
use super::session::{Progress, Session, Stage};
use super::{Migrated, MySqlOptions, OpenError, open};

/// The first pause before a call is made again; each further one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Every store port on one MySQL database.
///
/// Clones share the connections.
#[derive(Clone)]
pub struct MySqlStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    options: MySqlOptions,
}

impl MySqlStore {
    /// Opens a database, and applies pending migrations unless the options say otherwise.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open(options: MySqlOptions) -> Result<Self, OpenError> {
        let pool = open::open(&options).await?;
        Ok(Self {
            inner: Arc::new(Inner { pool, options }),
        })
    }

    /// Applies pending migrations to a database, and tells from which version to which.
    ///
    /// Safe to repeat, also by several processes at once, and after one that was interrupted.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn migrate(options: MySqlOptions) -> Result<Migrated, OpenError> {
        open::migrate(&options).await
    }

    /// Takes no further call, waits for those that are under way, and closes all connections.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    /// Makes a call within its deadline, again where another attempt can get over what failed.
    ///
    /// `work` gives the session back with its answer. It changes things only between `begin` and
    /// `commit`, or says that it may be done twice. A failed commit is never repeated, since it may have been done.
    pub(super) async fn call<T, W>(&self, work: impl Fn(Session) -> W) -> Result<T, BackendError>
    where
        W: Future<Output = (Result<T, CallError>, Session)>,
    {
        let deadline = Instant::now() + self.inner.options.call_timeout;
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            let failure = match self.attempt(deadline, &work).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let again = failure.retry.zip(pauses.next());
            let again = again.filter(|(_, pause)| Instant::now() + *pause < deadline);
            let Some((reason, pause)) = again else {
                return Err(failure.error);
            };
            RETRIES.count(&[reason]).increment(1);
            sleep(pause).await;
        }
    }

    /// Where the work is given up, in time or with the call itself, its connection is closed with it.
    async fn attempt<T, W>(&self, deadline: Instant, work: &impl Fn(Session) -> W) -> Result<T, Failure>
    where
        W: Future<Output = (Result<T, CallError>, Session)>,
    {
        let pool = &self.inner.pool;
        let wait_until = deadline.min(Instant::now() + self.inner.options.acquire_timeout);
        let (session, _permit) = pool.acquire(wait_until, deadline).await?;
        let progress = session.progress();
        let Ok((outcome, mut session)) = timeout_at(deadline, work(session)).await else {
            return Err(Failure::out_of_time(&progress));
        };
        let stage = session.stage();
        let is_usable = match &outcome {
            Ok(_) => true,
            Err(error) => stage != Stage::Committing && error.leaves_the_connection_usable(),
        };
        // A transaction that is still open was refused or has failed.
        if is_usable && (stage != Stage::Open || roll_back(&mut session, deadline).await) {
            pool.keep(session.into_connection());
        }
        outcome.map_err(|error| {
            if error.cause() == Some(Cause::ConnectionLost) {
                pool.forget_idle();
            }
            Failure::of(error, stage)
        })
    }
}

async fn roll_back(session: &mut Session, deadline: Instant) -> bool {
    matches!(timeout_at(deadline, session.roll_back()).await, Ok(Ok(())))
}

impl fmt::Debug for MySqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStore")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

/// Why an attempt failed, and whether another one is worth it.
struct Failure {
    error: BackendError,
    retry: Option<&'static str>,
}

impl Failure {
    fn of(error: CallError, stage: Stage) -> Self {
        let cause = error.cause();
        let may_be_done = stage == Stage::Committing && cause != Some(Cause::Deadlock);
        Self {
            retry: cause.filter(|_| !may_be_done).and_then(Cause::retry_reason),
            error: match stage {
                Stage::Repeatable if cause != Some(Cause::ConnectionLost) => error.before_commit(),
                Stage::Repeatable | Stage::Committing => error.in_commit(),
                Stage::Free | Stage::Open => error.before_commit(),
            },
        }
    }

    fn out_of_time(progress: &Progress) -> Self {
        const WHAT: &str = "MySQL did not answer in time";
        Self {
            retry: None,
            error: if progress.is_committing() {
                BackendError::unknown(WHAT)
            } else {
                BackendError::not_done(WHAT)
            },
        }
    }
}

impl From<NoConnection> for Failure {
    fn from(reason: NoConnection) -> Self {
        let what = match reason {
            NoConnection::Exhausted => "no connection to MySQL came free in time",
            NoConnection::Closed => "the store is closed",
            NoConnection::OutOfTime => "MySQL did not take a connection in time",
            NoConnection::Failed(error) => {
                return Self::of(failed("could not connect to MySQL")(error), Stage::Free);
            }
        };
        Self {
            retry: None,
            error: BackendError::not_done(what),
        }
    }
}
