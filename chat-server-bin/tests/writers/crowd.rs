//! All writers, and what they do together.

use std::sync::Arc;
use std::time::Duration;

use chat_core::contract::history::Violation;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::plan::{self, Plan};
use super::shared::{Log, Phase, Report, Shared};
use super::wire::Fronts;

/// The time between two looks at how they stand.
const LOOK: Duration = Duration::from_millis(10);

/// Many users, some with a second device, in groups. They come back after every loss, by
/// themselves, and send again what was not answered. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Crowd {
    // In the order in which they have to end.
    tasks: JoinSet<()>,
    runtime: Runtime,
    shared: Arc<Shared>,
    random: fastrand::Rng,
    phases: u64,
}

impl Crowd {
    /// Registers everybody on a server, under names with this prefix. They begin to rest.
    pub(crate) fn register(fronts: impl Into<Fronts>, plan: Plan, prefix: &str, seed: u64) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder
            .worker_threads(1)
            .thread_name("crowd")
            .enable_all()
            .build();
        let runtime = runtime.expect("a thread can be had");
        let shared = Arc::new(Shared::new(fronts.into()));
        let mut random = fastrand::Rng::with_seed(seed);
        let writers = runtime.block_on(plan::carry_out(plan, prefix, &shared, &mut random));
        shared.log().standings = vec![Default::default(); writers.len()];
        let mut tasks = JoinSet::new();
        for writer in writers {
            tasks.spawn_on(writer.run(), runtime.handle());
        }
        Self {
            tasks,
            runtime,
            shared,
            random,
            phases: 0,
        }
    }

    /// How many devices they have.
    pub(crate) fn devices(&self) -> usize {
        self.tasks.len()
    }

    /// What happened so far.
    pub(crate) fn report(&self) -> Report {
        self.shared.log().report.clone()
    }

    /// Forgets the counts so far.
    pub(crate) fn forget_report(&self) {
        self.shared.log().report = Report::default();
    }

    /// All write on and on, from when they have a session.
    pub(crate) fn write(&self) {
        self.shared.phase.send_replace(Phase::Write);
    }

    /// Lets some time within these milliseconds pass.
    pub(crate) fn pass(&mut self, milliseconds: std::ops::Range<u64>) {
        let time = Duration::from_millis(self.random.u64(milliseconds));
        self.runtime.block_on(async { sleep(time).await });
    }

    /// Any number that the seed gives.
    pub(crate) const fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    /// Waits until everybody has a session.
    pub(crate) fn wait_until_all_are_live(&mut self, within: Duration) {
        self.wait("everybody has a session", within, |log| {
            log.standings.iter().all(|standing| standing.is_live)
        });
    }

    /// Waits until what was written down says so.
    pub(crate) fn wait_until(&mut self, what: &str, within: Duration, holds: impl Fn(&Report) -> bool) {
        self.wait(what, within, |log| holds(&log.report));
    }

    /// All rest until everything was answered and has come, then look in a new session whether
    /// anything is left to get. What has not come by then is for the checker to find.
    pub(crate) fn settle(&mut self, within: Duration) {
        let rest = self.next_phase(Phase::Rest);
        self.wait("everybody has a session and every answer", within, |log| {
            let mut standings = log.standings.iter();
            standings
                .all(|standing| standing.phase == Some(rest) && standing.is_live && standing.pending == 0)
        });
        // Where it does not hold in time, the history tells what is missing.
        let _ = self.holds_within(within, |log| {
            log.standings.iter().all(|standing| standing.is_up_to_date)
        });
        self.reopen(within);
    }

    /// All of a crowd that has settled begin a new session each, and read all there is.
    pub(crate) fn reopen(&mut self, within: Duration) {
        let read_before = self.report().read_to_end;
        let readings = 2 * self.devices();
        self.next_phase(Phase::Reopen);
        self.wait("everybody has read to the end again", within, |log| {
            log.report.read_to_end >= read_before + readings
        });
    }

    /// Judges all that was seen so far.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.shared.log().history().violations()
    }

    fn next_phase(&mut self, phase: impl FnOnce(u64) -> Phase) -> Phase {
        self.phases += 1;
        let phase = phase(self.phases);
        self.shared.phase.send_replace(phase);
        phase
    }

    fn wait(&mut self, what: &str, within: Duration, holds: impl Fn(&Log) -> bool) {
        let held = self.holds_within(within, holds);
        let report = self.report();
        assert!(held, "not within {within:?}: {what}\n{report:?}");
    }

    fn holds_within(&mut self, within: Duration, holds: impl Fn(&Log) -> bool) -> bool {
        let Self {
            tasks,
            runtime,
            shared,
            ..
        } = self;
        runtime.block_on(async {
            let deadline = Instant::now() + within;
            loop {
                // None ends by itself but by a failure.
                if let Some(Err(failure)) = tasks.try_join_next() {
                    std::panic::resume_unwind(failure.into_panic());
                }
                if holds(&shared.log()) {
                    return true;
                }
                if Instant::now() > deadline {
                    return false;
                }
                sleep(LOOK).await;
            }
        })
    }
}
