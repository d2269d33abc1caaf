//! How the suites are run: fixtures, cases and trials.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::check::{Failure, Verdict};
use crate::error::BackendError;

/// A case that hangs fails after this time. No case waits for time to pass.
const CASE_TIMEOUT: Duration = Duration::from_secs(120);
const REQUIRE: &str = "CHAT_REQUIRE";

/// Where a suite gets its backend from. Each case has a fixture of its own.
#[async_trait]
pub trait Fixture: Send + Sync + 'static {
    /// What the suite is about: [`Stores`](crate::ports::Stores), or an `Arc` of a port.
    type Port: Send + Sync + 'static;

    /// Opens one more handle, as another node would, on this fixture's namespace, which is empty
    /// when the first handle is opened.
    async fn open(&self) -> Result<Self::Port, BackendError>;

    /// Cleans the namespace up, after the case, also after one that failed.
    async fn close(&self);

    /// Why the backend cannot be reached here; `None` where it can.
    fn unavailable(&self) -> Option<String>;

    /// What may be asked of the backend.
    fn capabilities(&self) -> Capabilities;
}

/// What a backend can do beyond its port. Cases that need more are ignored, visibly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What was stored is there again after all handles were dropped.
    pub survives_restart: bool,
    /// It lives outside the process, and outlives a handle that ends without a word.
    pub crosses_processes: bool,
}

/// What came of a trial that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The case holds.
    Passed,
    /// It was not run, for this reason.
    Ignored(String),
}

/// One case on one backend, ready to run.
pub struct Trial {
    name: String,
    run: BoxFuture<'static, Result<Outcome, Failure>>,
}

impl Trial {
    /// Its name: `backend::suite::case`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it, in a tokio runtime with its timer enabled and, to find races, several threads.
    ///
    /// # Errors
    /// [`Failure`] where the backend does not keep the contract.
    pub async fn run(self) -> Result<Outcome, Failure> {
        self.run.await
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trial({})", self.name)
    }
}

/// What a case needs beyond the port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Restart,
    Processes,
}

/// A claim about a port.
pub(super) struct Case<P> {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) run: fn(Scene<P>) -> BoxFuture<'static, Verdict>,
}

/// Lists the cases of a suite. A case that is left out is dead code, which the compiler reports.
macro_rules! cases {
    ($($need:ident { $($case:ident),+ $(,)? })+) => {
        vec![$($($crate::contract::runner::Case {
            name: stringify!($case),
            need: $crate::contract::runner::Need::$need,
            run: |scene| Box::pin($case(scene)),
        }),+),+]
    };
}
pub(super) use cases;

/// What a case plays on: a first handle, and the way to more of them.
pub(super) struct Scene<P> {
    handle: P,
    fixture: Arc<dyn Fixture<Port = P>>,
}

impl<P: Send + Sync + 'static> Scene<P> {
    /// One more handle on the same namespace.
    pub(super) async fn another(&self) -> Result<P, Failure> {
        Ok(self.fixture.open().await?)
    }

    /// Drops the first handle and opens it anew.
    pub(super) async fn restarted(self) -> Result<Self, Failure> {
        let Self { handle, fixture } = self;
        drop(handle);
        let handle = fixture.open().await?;
        Ok(Self { handle, fixture })
    }
}

impl<P> Deref for Scene<P> {
    type Target = P;
    fn deref(&self) -> &P {
        &self.handle
    }
}

/// The cases of one suite as trials on one backend.
pub(super) fn trials<F, N>(backend: &str, suite: &str, cases: Vec<Case<F::Port>>, fixture: N) -> Vec<Trial>
where
    F: Fixture,
    N: Fn() -> F,
{
    let trial = |case: Case<F::Port>| {
        let fixture: Arc<dyn Fixture<Port = F::Port>> = Arc::new(fixture());
        Trial {
            name: format!("{backend}::{suite}::{}", case.name),
            run: Box::pin(run(backend.to_owned(), case, fixture)),
        }
    };
    cases.into_iter().map(trial).collect()
}

async fn run<P: Send + Sync + 'static>(
    backend: String,
    case: Case<P>,
    fixture: Arc<dyn Fixture<Port = P>>,
) -> Result<Outcome, Failure> {
    if let Some(reason) = fixture.unavailable() {
        return missing(&backend, reason);
    }
    if let Some(lack) = lack(case.need, fixture.capabilities()) {
        return Ok(Outcome::Ignored(lack.to_owned()));
    }
    let played = AssertUnwindSafe(tokio::time::timeout(
        CASE_TIMEOUT,
        play(case, Arc::clone(&fixture)),
    ));
    let verdict = match played.catch_unwind().await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(late)) => Err(Failure::new(format_args!("the case hangs: {late}"))),
        Err(panic) => Err(Failure::new(panic_message(&*panic))),
    };
    fixture.close().await;
    verdict.map(|()| Outcome::Passed)
}

async fn play<P: Send + Sync + 'static>(case: Case<P>, fixture: Arc<dyn Fixture<Port = P>>) -> Verdict {
    let handle = fixture.open().await?;
    (case.run)(Scene { handle, fixture }).await
}

/// A missing backend is ignored, unless the environment asks for it.
fn missing(backend: &str, reason: String) -> Result<Outcome, Failure> {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    if required.split(',').any(|name| name.trim() == backend) {
        return Err(Failure::new(format_args!(
            "{REQUIRE} names {backend}, but {reason}"
        )));
    }
    Ok(Outcome::Ignored(reason))
}

const fn lack(need: Need, has: Capabilities) -> Option<&'static str> {
    match need {
        Need::Restart if !has.survives_restart => Some("does not survive a restart"),
        Need::Processes if !has.crosses_processes => Some("lives within one process"),
        Need::Nothing | Need::Restart | Need::Processes => None,
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a message"))
}
