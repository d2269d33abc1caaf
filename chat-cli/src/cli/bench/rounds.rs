//! Work that is done over and over by some at once, and timed.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use chat_client::Error;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use super::args::TimeArguments;
use super::latency::Latencies;
use super::report::Report;

/// How long work is repeated, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Open loop: so often a second, whatever becomes of it; otherwise each begins when it is done with the last.
    pub(super) rate: Option<u32>,
    pub(super) time: TimeArguments,
    /// How long after the end those that are due are still begun.
    pub(super) patience: Duration,
}

/// Rounds of one kind of work.
#[derive(Debug)]
pub(super) struct Rounds {
    span: Span,
    asked: Cell<u32>,
    /// Those that were due and not even begun.
    missed: Cell<u64>,
    done: Cell<u64>,
    done_in_time: Cell<u64>,
    latencies: RefCell<Latencies>,
}

impl Rounds {
    pub(super) fn new(span: Span) -> anyhow::Result<Self> {
        Ok(Self {
            span,
            asked: Cell::new(0),
            missed: Cell::new(0),
            done: Cell::new(0),
            done_in_time: Cell::new(0),
            latencies: RefCell::new(Latencies::new()?),
        })
    }

    /// Lets everybody repeat the work until the time is over.
    pub(super) async fn repeat<W>(
        &self,
        workers: impl IntoIterator<Item = W>,
        work: impl AsyncFn(&mut W) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let workers = workers.into_iter().map(|mut worker| {
            let work = &work;
            async move {
                while let Some(due) = self.turn(begun).await {
                    work(&mut worker).await?;
                    self.count(begun, due);
                }
                Ok(())
            }
        });
        try_join_all(workers).await.map(drop)
    }

    /// When the next round is due, unless that is after the end. Where patience has ended, those that are due count as
    /// missed, each with the time for which it has been due.
    async fn turn(&self, begun: Instant) -> Option<Instant> {
        let end = begun + self.span.time.total();
        loop {
            let due = match self.span.rate {
                None => Instant::now(),
                Some(rate) => {
                    let round = self.asked.replace(self.asked.get() + 1);
                    begun + Duration::from_secs_f64(f64::from(round) / f64::from(rate))
                }
            };
            if due >= end {
                return None;
            }
            if Instant::now() < end + self.span.patience {
                sleep_until(due).await;
                return Some(due);
            }
            self.missed.set(self.missed.get() + 1);
            self.record(begun, due, Instant::now());
        }
    }

    fn count(&self, begun: Instant, due: Instant) {
        let (from, now) = (begun + self.span.time.warm_up, Instant::now());
        self.done.set(self.done.get() + 1);
        if now >= from && now < from + self.span.time.duration {
            self.done_in_time.set(self.done_in_time.get() + 1);
        }
        self.record(begun, due, now);
    }

    fn record(&self, begun: Instant, due: Instant, now: Instant) {
        if due >= begun + self.span.time.warm_up {
            let nanoseconds = now.saturating_duration_since(due).as_nanos();
            let nanoseconds = u64::try_from(nanoseconds).unwrap_or(u64::MAX);
            self.latencies.borrow_mut().record(nanoseconds);
        }
    }

    /// Adds to a result how often it was done, at what rate, and how long each took.
    pub(super) fn report(&self, report: &mut Report, what: &str, took: &str) -> anyhow::Result<()> {
        report.count(what, self.done.get());
        report.count("unsent", self.missed.get());
        report.rate(what, self.done_in_time.get());
        report.time(took, &self.latencies.borrow())
    }
}
