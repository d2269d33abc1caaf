//! The application's hooks: asked within a deadline before requests, told out of a queue after them.

mod after;
mod before;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;

pub(crate) use self::after::{Happened, run};
use super::Node;
use super::journal::Journal;
use super::limit::{Limit, LimitHits};
use super::meters::HookMeters;
use super::record_rate::RecordRate;
use crate::error::chain;
use crate::hooks::{HookError, HookedRequest, Hooks, OnFailure};
use crate::limits::Limits;
use crate::ports::Level;

/// The hooks of a node that has any.
#[derive(Debug)]
pub(crate) struct NodeHooks {
    hooks: Arc<dyn Hooks>,
    /// By request.
    before: Vec<Asking>,
    timeout: Duration,
    after_timeout: Duration,
    retry_after: Duration,
    queue: mpsc::Sender<Happened>,
    meters: HookMeters,
    limit_hits: Arc<LimitHits>,
    journal: Arc<Journal>,
    failures: RecordRate,
}

/// What the application has said of asking before one type of request.
#[derive(Clone, Copy, Debug)]
struct Asking {
    asks: bool,
    on_failure: OnFailure,
}

/// What is to be told, until the task that tells it is started.
pub(crate) type Untold = mpsc::Receiver<Happened>;

/// Why a hook gave no answer.
#[derive(Debug)]
enum NoAnswer {
    Failed(HookError),
    TimedOut,
}

impl NodeHooks {
    pub(crate) fn new(
        hooks: Arc<dyn Hooks>,
        limits: &Limits,
        limit_hits: Arc<LimitHits>,
        journal: Arc<Journal>,
    ) -> (Self, Untold) {
        let (queue, untold) = mpsc::channel(limits.hook_queue.max(1));
        let before = HookedRequest::ALL.iter().map(|&request| Asking {
            asks: hooks.asks_before(request),
            on_failure: hooks.on_failure(request),
        });
        let node_hooks = Self {
            before: before.collect(),
            hooks,
            timeout: limits.hook_timeout,
            after_timeout: limits.after_hook_timeout,
            retry_after: limits.retry_after,
            queue,
            meters: HookMeters::new(),
            limit_hits,
            journal,
            failures: RecordRate::default(),
        };
        (node_hooks, untold)
    }

    /// How many calls of hooks wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Records that a hook gave no answer.
    fn unanswered(&self, when: &'static str, request: HookedRequest, limit: Limit, why: &NoAnswer) {
        match why {
            NoAnswer::TimedOut => self.limit_hits.hit(limit),
            NoAnswer::Failed(error) if self.failures.take() => {
                let fields = [
                    ("when", when.into()),
                    ("request", request.as_str().into()),
                    ("error", chain(error).into()),
                ];
                self.journal.record(Level::Warn, "hook_failed", fields);
            }
            NoAnswer::Failed(_) => {}
        }
    }
}

impl Node {
    /// The hooks, where they are to be asked before such requests.
    pub(crate) fn asks_before(&self, request: HookedRequest) -> Option<&NodeHooks> {
        let hooks = self.hooks.as_ref()?;
        let asking = hooks.before.get(request as usize)?;
        asking.asks.then_some(hooks)
    }

    /// Lets the hooks be told, where there are any. Never waits.
    pub(crate) fn happened(&self, happened: impl FnOnce() -> Happened) {
        if let Some(hooks) = &self.hooks {
            hooks.add(happened());
        }
    }
}

/// Calls a hook, whatever it does.
async fn answer<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, HookError>> + Send,
) -> Result<T, NoAnswer> {
    // What a hook leaves behind is the application's own, and nothing of the node's.
    let call = AssertUnwindSafe(call).catch_unwind();
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(answer)) => answer.map_err(NoAnswer::Failed),
        Ok(Err(_panic)) => Err(NoAnswer::Failed(HookError::new("the hook panicked"))),
        Err(_elapsed) => Err(NoAnswer::TimedOut),
    }
}
