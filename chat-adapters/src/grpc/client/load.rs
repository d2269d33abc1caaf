//! How much one backend has to do, as its callers see it.
//!
//! The measure is that of Finagle's "peak EWMA": the calls under way, times a mean of the time that calls took, in
//! which newer ones weigh more and a slower one counts at once. Sources: `PeakEwma.scala` of Finagle, and
//! `tower::load::PeakEwma`, which is made after it; the latter measures services of tower, and knows no failures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The time after which what a call took has about a third of its weight.
const DECAY: Duration = Duration::from_secs(2);
/// What a failed call counts as having taken, at least: who fails fast is not fast.
const FAILED: Duration = Duration::from_secs(1);

/// What one backend has to do.
#[derive(Debug)]
pub(super) struct Load {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    under_way: u32,
    /// In seconds; `None` before the first call ended.
    latency: Option<f64>,
    updated: Instant,
}

impl State {
    /// How much of its weight the mean has kept since it was updated.
    fn kept(&self) -> f64 {
        (-self.updated.elapsed().as_secs_f64() / DECAY.as_secs_f64()).exp()
    }

    fn observe(&mut self, seconds: f64) {
        let kept = self.kept();
        self.latency = Some(match self.latency {
            Some(mean) if mean * kept > seconds => mean.mul_add(kept, seconds * (1.0 - kept)),
            Some(_) | None => seconds,
        });
        self.updated = Instant::now();
    }
}

impl Load {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                under_way: 0,
                latency: None,
                updated: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one more call would cost; less is better. A backend that nothing is known of is tried by one call at a time.
    pub(super) fn cost(&self) -> f64 {
        let state = self.state();
        match state.latency {
            None => FAILED.as_secs_f64() * f64::from(state.under_way),
            Some(mean) => mean * state.kept() * f64::from(state.under_way.saturating_add(1)),
        }
    }

    /// Forgets how long calls took: what a connection has shown says nothing of the one after it.
    pub(super) fn forget(&self) {
        self.state().latency = None;
    }

    /// Counts a call that begins.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_add(1);
        drop(state);
        UnderWay {
            load: Arc::clone(self),
            begun: Instant::now(),
            end: End::GivenUp,
        }
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> u32 {
        self.state().under_way
    }
}

/// A call under way. Where it is dropped, the call was given up.
#[derive(Debug)]
pub(super) struct UnderWay {
    load: Arc<Load>,
    begun: Instant,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Answered,
    Failed,
    GivenUp,
}

impl UnderWay {
    /// The backend answered.
    pub(super) fn answered(mut self) {
        self.end = End::Answered;
    }

    /// The call failed.
    pub(super) fn failed(mut self) {
        self.end = End::Failed;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let mut state = self.load.state();
        state.under_way = state.under_way.saturating_sub(1);
        match self.end {
            End::Answered => state.observe(took.as_secs_f64()),
            End::Failed => state.observe(took.max(FAILED).as_secs_f64()),
            // It says only that the answer would have taken longer.
            End::GivenUp => {
                let seconds = took.as_secs_f64();
                let slower = state.latency.is_none_or(|mean| mean * state.kept() < seconds);
                if slower {
                    state.observe(seconds);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn took(load: &Arc<Load>, millis: u64) {
        let call = load.begin();
        tokio::time::advance(Duration::from_millis(millis)).await;
        call.answered();
    }

    #[tokio::test(start_paused = true)]
    async fn calls_under_way_and_slow_ones_cost() {
        let load = Arc::new(Load::new());
        assert_eq!(load.cost(), 0.0);
        took(&load, 10).await;
        let quiet = load.cost();
        assert!((0.009..0.011).contains(&quiet), "{quiet}");
        let calls = [load.begin(), load.begin()];
        assert!((load.cost() / quiet - 3.0).abs() < 0.01, "{}", load.cost());
        drop(calls);
        took(&load, 500).await;
        let slow = load.cost();
        assert!((0.49..0.51).contains(&slow), "a slow call counts at once: {slow}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_is_under_way_no_more() {
        let load = Arc::new(Load::new());
        let call = load.begin();
        assert_eq!(load.under_way(), 1);
        drop(call);
        assert_eq!(load.under_way(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_early_does_not_make_a_backend_look_fast() {
        let load = Arc::new(Load::new());
        took(&load, 400).await;
        drop(load.begin());
        assert!(load.cost() > 0.39, "{}", load.cost());
    }

    #[tokio::test(start_paused = true)]
    async fn failing_fast_is_not_fast_and_is_forgotten_in_time() {
        let load = Arc::new(Load::new());
        took(&load, 1).await;
        load.begin().failed();
        assert!(load.cost() > 0.9, "{}", load.cost());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(load.cost() < 0.001, "{}", load.cost());
    }
}
