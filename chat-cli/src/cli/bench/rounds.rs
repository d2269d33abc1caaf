//! Work that is done over and over by some at once, and timed.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use chat_client::Error;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use super::latency::Latencies;
use super::report::Report;

/// How long work is repeated, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Open loop: so often a second, whatever becomes of it; otherwise each begins when it is done with the last.
    pub(super) rate: Option<u32>,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
}

/// Rounds of one kind of work.
#[derive(Debug)]
pub(super) struct Rounds {
    span: Span,
    begun: Cell<Option<Instant>>,
    asked: Cell<u32>,
    done: Cell<u64>,
    done_in_time: Cell<u64>,
    latencies: RefCell<Latencies>,
}

impl Rounds {
    pub(super) fn new(span: Span) -> anyhow::Result<Self> {
        Ok(Self {
            span,
            begun: Cell::new(None),
            asked: Cell::new(0),
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
        self.begun.set(Some(begun));
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

    /// When the next round is due, unless that is after the end.
    async fn turn(&self, begun: Instant) -> Option<Instant> {
        let due = match self.span.rate {
            None => Instant::now(),
            Some(rate) => {
                let round = self.asked.replace(self.asked.get() + 1);
                begun + Duration::from_secs_f64(f64::from(round) / f64::from(rate))
            }
        };
        if due >= begun + self.span.warm_up + self.span.duration {
            return None;
        }
        sleep_until(due).await;
        Some(due)
    }

    fn count(&self, begun: Instant, due: Instant) {
        let (from, now) = (begun + self.span.warm_up, Instant::now());
        self.done.set(self.done.get() + 1);
        if now >= from && now < from + self.span.duration {
            self.done_in_time.set(self.done_in_time.get() + 1);
        }
        if due >= from {
            let nanoseconds = now.saturating_duration_since(due).as_nanos();
            let nanoseconds = u64::try_from(nanoseconds).unwrap_or(u64::MAX);
            self.latencies.borrow_mut().record(nanoseconds);
        }
    }

    /// Adds to a result how often it was done, at what rate, and how long each took.
    pub(super) fn report(&self, report: &mut Report, what: &str, took: &str) -> anyhow::Result<()> {
        report.count(what, self.done.get());
        report.rate(what, self.done_in_time.get());
        report.time(took, &self.latencies.borrow())
    }
}
