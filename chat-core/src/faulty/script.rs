//! Which calls fail, and how.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::BackendError;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and fails with [`BackendError::not_done`].
    FailBefore,
    /// It is done, and fails with [`BackendError::unknown`] all the same.
    FailAfter,
    /// It is done after this time.
    Delay(Duration),
}

/// A script of faults, shared by the wrappers that follow it and the test that writes it.
///
/// For each call the first that applies counts: a fault for the next calls of its method, a fault
/// that lasts, a fault at random. Methods are named as in their port, for example `"append"`;
/// [`Faults::ANY`] stands for all of them.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    gaps: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    next: HashMap<String, VecDeque<Fault>>,
    lasting: HashMap<String, Fault>,
    random: Option<(Chance, Fault)>,
    lost_notices: Option<Chance>,
    calls: HashMap<&'static str, u64>,
}

/// A seeded source of chances.
#[derive(Debug)]
struct Chance {
    state: u64,
    per_mille: u16,
}

impl Chance {
    /// Whether it happens this time. The generator is `SplitMix64` (Steele, Lea, Flood 2014).
    const fn happens(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        bits % 1_000 < self.per_mille as u64
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            state: Arc::default(),
            gaps: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Faults {
    /// Stands for every method.
    pub const ANY: &'static str = "*";

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next `count` calls of a method have this fault, after those asked for before.
    pub fn next_calls(&self, method: &str, count: usize, fault: Fault) {
        let mut state = self.state();
        let next = state.next.entry(method.to_owned()).or_default();
        next.extend(std::iter::repeat_n(fault, count));
    }

    /// Every call of a method has this fault until [`back`](Self::back).
    pub fn away(&self, method: &str, fault: Fault) {
        self.state().lasting.insert(method.to_owned(), fault);
    }

    /// Ends what [`away`](Self::away) began for this method.
    pub fn back(&self, method: &str) {
        self.state().lasting.remove(method);
    }

    /// Of a thousand calls about `per_mille` have this fault; one seed always gives the same ones.
    pub fn at_random(&self, seed: u64, per_mille: u16, fault: Fault) {
        let chance = Chance {
            state: seed,
            per_mille,
        };
        self.state().random = Some((chance, fault));
    }

    /// Of a thousand notices about `per_mille` are published to nobody, without an error or a gap.
    pub fn lose_notices(&self, seed: u64, per_mille: u16) {
        self.state().lost_notices = Some(Chance {
            state: seed,
            per_mille,
        });
    }

    /// Makes every open subscription yield a gap.
    pub fn emit_gap(&self) {
        self.gaps.send_modify(|count| *count += 1);
    }

    /// Takes all faults back. Gaps that were emitted are still yielded.
    pub fn clear(&self) {
        let mut state = self.state();
        state.next.clear();
        state.lasting.clear();
        state.random = None;
        state.lost_notices = None;
    }

    /// How many calls of a method were made so far, those that failed included.
    pub fn calls(&self, method: &str) -> u64 {
        let calls = &self.state().calls;
        if method == Self::ANY {
            return calls.values().sum();
        }
        calls.get(method).copied().unwrap_or_default()
    }

    /// Counts emitted gaps, for one subscription.
    pub(super) fn gaps(&self) -> watch::Receiver<u64> {
        self.gaps.subscribe()
    }

    pub(super) fn loses_notice(&self) -> bool {
        let mut state = self.state();
        state.lost_notices.as_mut().is_some_and(Chance::happens)
    }

    /// Makes a call as the script says.
    pub(super) async fn apply<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, BackendError>> + Send,
    ) -> Result<T, BackendError> {
        let fault = self.state().take(method);
        match fault {
            None => call.await,
            Some(Fault::FailBefore) => Err(BackendError::not_done(format!("{method} fails on command"))),
            Some(Fault::FailAfter) => {
                call.await?;
                Err(BackendError::unknown(format!(
                    "{method} answers nothing, on command"
                )))
            }
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                call.await
            }
        }
    }
}

impl State {
    fn take(&mut self, method: &'static str) -> Option<Fault> {
        *self.calls.entry(method).or_default() += 1;
        for name in [method, Faults::ANY] {
            if let Some(fault) = self.next.get_mut(name).and_then(VecDeque::pop_front) {
                return Some(fault);
            }
        }
        let lasting = self.lasting.get(method).or_else(|| self.lasting.get(Faults::ANY));
        if let Some(fault) = lasting {
            return Some(*fault);
        }
        let (chance, fault) = self.random.as_mut()?;
        chance.happens().then_some(*fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BackendErrorKind;

    async fn call(faults: &Faults, method: &'static str) -> Result<(), BackendErrorKind> {
        let done = faults.apply(method, async { Ok(()) }).await;
        done.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn the_next_calls_of_a_method_fail_and_then_no_more() {
        let faults = Faults::default();
        faults.next_calls("append", 1, Fault::FailBefore);
        faults.next_calls("append", 1, Fault::FailAfter);
        assert_eq!(call(&faults, "users").await, Ok(()));
        assert_eq!(call(&faults, "append").await, Err(BackendErrorKind::NotDone));
        assert_eq!(call(&faults, "append").await, Err(BackendErrorKind::Unknown));
        assert_eq!(call(&faults, "append").await, Ok(()));
        assert_eq!(faults.calls("append"), 3);
        assert_eq!(faults.calls(Faults::ANY), 4);
    }

    #[tokio::test]
    async fn what_is_away_fails_until_it_is_back() {
        let faults = Faults::default();
        faults.away(Faults::ANY, Fault::FailBefore);
        for _ in 0..3 {
            assert!(call(&faults, "append").await.is_err());
        }
        faults.back(Faults::ANY);
        assert!(call(&faults, "append").await.is_ok());
    }

    #[tokio::test]
    async fn failing_before_does_nothing_and_failing_after_does_it() {
        let faults = Faults::default();
        faults.next_calls(Faults::ANY, 1, Fault::FailBefore);
        faults.next_calls(Faults::ANY, 1, Fault::FailAfter);
        let mut done = Vec::new();
        for number in 0..3 {
            let call = async {
                done.push(number);
                Ok(())
            };
            faults.apply("append", call).await.ok();
        }
        assert_eq!(done, [1, 2]);
    }

    #[tokio::test]
    async fn one_seed_gives_the_same_faults_at_about_the_rate_asked() {
        let mut runs = Vec::new();
        for seed in [7, 7, 8] {
            let faults = Faults::default();
            faults.at_random(seed, 100, Fault::FailBefore);
            let mut failed = Vec::new();
            for number in 0..2_000 {
                if call(&faults, "append").await.is_err() {
                    failed.push(number);
                }
            }
            runs.push(failed);
        }
        assert_eq!(runs[0], runs[1]);
        assert_ne!(runs[0], runs[2]);
        assert!((100..300).contains(&runs[0].len()), "{} of 2000", runs[0].len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_call_is_done_later() {
        let faults = Faults::default();
        faults.next_calls("append", 1, Fault::Delay(Duration::from_secs(3)));
        let before = tokio::time::Instant::now();
        assert_eq!(call(&faults, "append").await, Ok(()));
        assert_eq!(before.elapsed(), Duration::from_secs(3));
    }
}
