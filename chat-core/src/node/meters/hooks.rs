//! Calls of hooks.

use std::time::Duration;

use metrics::{Counter, Histogram};

use crate::hooks::HookedRequest;
use crate::meters::Metric;
use crate::meters::catalogue as metric;
use crate::spelled::spelled;

spelled!(
    /// What a hook before a request came to.
    BeforeOutcome {
        /// It let the request go on.
        Allowed = "allowed",
        /// It put something in the place of what was asked.
        Rewritten = "rewritten",
        /// It refused the request.
        Refused = "refused",
        /// It failed, or panicked.
        Failed = "failed",
        /// It took too long.
        TimedOut = "timed_out",
    }
);

spelled!(
    /// What a hook after a request came to.
    AfterOutcome {
        /// It did its work.
        Done = "done",
        /// It failed, or panicked.
        Failed = "failed",
        /// It took too long.
        TimedOut = "timed_out",
        /// It was not called, for want of room in the queue, or not waited for to its end because the node stopped.
        Dropped = "dropped",
    }
);

/// What is counted and measured of hooks, by request.
#[derive(Debug)]
pub(crate) struct HookMeters {
    before: Vec<Calls>,
    after: Vec<Calls>,
}

/// Calls of one hook.
#[derive(Debug)]
struct Calls {
    seconds: Histogram,
    by_outcome: Vec<Counter>,
}

impl HookMeters {
    pub(crate) fn new() -> Self {
        let calls = |seconds: Metric, calls: Metric, outcomes: &[&'static str]| {
            let of_request = |&request: &&'static str| Calls {
                seconds: seconds.distribution(&[request]),
                by_outcome: outcomes
                    .iter()
                    .map(|&outcome| calls.count(&[request, outcome]))
                    .collect(),
            };
            HookedRequest::SPELLINGS.iter().map(of_request).collect()
        };
        Self {
            before: calls(
                metric::BEFORE_HOOK_SECONDS,
                metric::BEFORE_HOOKS,
                BeforeOutcome::SPELLINGS,
            ),
            after: calls(
                metric::AFTER_HOOK_SECONDS,
                metric::AFTER_HOOKS,
                AfterOutcome::SPELLINGS,
            ),
        }
    }

    /// A hook before a request has ended.
    pub(crate) fn asked(&self, request: HookedRequest, outcome: BeforeOutcome, duration: Duration) {
        if let Some(calls) = self.before.get(request as usize) {
            calls.seconds.record(duration);
            calls.count(outcome as usize);
        }
    }

    /// A hook after a request has ended.
    pub(crate) fn told(&self, request: HookedRequest, outcome: AfterOutcome, duration: Duration) {
        if let Some(calls) = self.after.get(request as usize) {
            calls.seconds.record(duration);
            calls.count(outcome as usize);
        }
    }

    /// A hook after a request was not called, or was given up.
    pub(crate) fn dropped(&self, request: HookedRequest) {
        if let Some(calls) = self.after.get(request as usize) {
            calls.count(AfterOutcome::Dropped as usize);
        }
    }
}

impl Calls {
    fn count(&self, outcome: usize) {
        if let Some(counter) = self.by_outcome.get(outcome) {
            counter.increment(1);
        }
    }
}
