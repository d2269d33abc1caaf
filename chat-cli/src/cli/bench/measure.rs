//! What is counted and timed while a load runs.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use chat_core::protocol::ErrorReply;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use tokio::sync::watch;

use super::latency::Latencies;
use super::report::Report;

/// Refused requests after which a run is given up.
pub(super) const MOST_REFUSED: u64 = 10_000;

/// Shared by all connections of a run, which are on one thread.
#[derive(Debug)]
pub(super) struct Measure {
    start: Instant,
    /// Nanoseconds since the start at which sending began.
    begun: Cell<u64>,
    /// Nanoseconds since the start, between which is counted and timed.
    from: Cell<u64>,
    until: Cell<u64>,
    has_ended: watch::Sender<bool>,
    pub(super) sent: Cell<u64>,
    pub(super) answered: Cell<u64>,
    pub(super) delivered: Cell<u64>,
    /// Delivered to those who were stalled, which is not timed.
    pub(super) delivered_late: Cell<u64>,
    /// Of these, what was in the time that is measured.
    pub(super) answered_in_time: Cell<u64>,
    pub(super) delivered_in_time: Cell<u64>,
    pub(super) refused: Cell<u64>,
    first_refusal: RefCell<Option<ErrorReply>>,
    /// How late messages were handed over for sending, where they were due at fixed times.
    to_send: RefCell<Latencies>,
    to_sent: RefCell<Latencies>,
    to_message: RefCell<Latencies>,
    /// Seconds of a core that this process used before sending began, and until it ended.
    processor: Cell<(f64, f64)>,
}

fn add(counter: &Cell<u64>, count: u64) {
    counter.set(counter.get() + count);
}

impl Measure {
    /// Nothing is sent before [`begin`](Self::begin).
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            start: Instant::now(),
            begun: Cell::new(u64::MAX),
            from: Cell::new(u64::MAX),
            until: Cell::new(0),
            has_ended: watch::Sender::new(false),
            sent: Cell::new(0),
            answered: Cell::new(0),
            delivered: Cell::new(0),
            delivered_late: Cell::new(0),
            answered_in_time: Cell::new(0),
            delivered_in_time: Cell::new(0),
            refused: Cell::new(0),
            first_refusal: RefCell::new(None),
            to_send: RefCell::new(Latencies::new()?),
            to_sent: RefCell::new(Latencies::new()?),
            to_message: RefCell::new(Latencies::new()?),
            processor: Cell::new((0.0, 0.0)),
        })
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Lets sending begin: some time to warm up, and then the time that is measured.
    pub(super) fn begin(&self, warm_up: Duration, duration: Duration) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let begun = self.now();
        let from = begun.saturating_add(nanoseconds(warm_up));
        self.begun.set(begun);
        self.from.set(from);
        self.until.set(from.saturating_add(nanoseconds(duration)));
        self.processor.set((processor_seconds(), 0.0));
    }

    /// Says that nothing is sent any more.
    pub(super) fn end(&self) {
        let (before, _) = self.processor.get();
        self.processor.set((before, processor_seconds()));
        self.has_ended.send_replace(true);
    }

    /// Waits until nothing is sent any more.
    pub(super) async fn wait_for_end(&self) {
        // It fails only when the sender is dropped, which `self` holds.
        self.has_ended
            .subscribe()
            .wait_for(|has_ended| *has_ended)
            .await
            .ok();
    }

    /// The begin of sending.
    #[inline]
    pub(super) fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// The end of sending.
    #[inline]
    pub(super) fn until(&self) -> u64 {
        self.until.get()
    }

    #[inline]
    fn is_measured(&self, now: u64) -> bool {
        now >= self.from.get() && now < self.until.get()
    }

    /// A message was sent.
    #[inline]
    pub(super) fn count_sent(&self) {
        add(&self.sent, 1);
    }

    /// A message that was due at some time is being sent.
    #[inline]
    pub(super) fn count_late(&self, at: u64, now: u64) {
        if self.is_measured(at) {
            self.to_send.borrow_mut().record(now.saturating_sub(at));
        }
    }

    /// The share of a core that this process used while messages were sent.
    pub(super) fn processor_share(&self) -> f64 {
        let (before, after) = self.processor.get();
        let seconds = self.until.get().saturating_sub(self.begun.get()) as f64 / 1e9;
        (after - before).max(0.0) / seconds.max(1e-9)
    }

    /// A message that was sent or due at some time was answered.
    #[inline]
    pub(super) fn count_answered(&self, at: u64, now: u64) {
        add(&self.answered, 1);
        add(&self.answered_in_time, u64::from(self.is_measured(now)));
        if self.is_measured(at) {
            self.to_sent.borrow_mut().record(now.saturating_sub(at));
        }
    }

    /// A message that was sent or due at some time was delivered.
    #[inline]
    pub(super) fn count_delivered(&self, at: u64, now: u64) {
        add(&self.delivered, 1);
        add(&self.delivered_in_time, u64::from(self.is_measured(now)));
        if self.is_measured(at) {
            self.to_message.borrow_mut().record(now.saturating_sub(at));
        }
    }

    /// A message was delivered to somebody who was stalled.
    pub(super) fn count_delivered_late(&self) {
        add(&self.delivered_late, 1);
    }

    /// A message was due and could not even be sent: it took as long as this at least.
    pub(super) fn count_unsent(&self, at: u64, now: u64, is_answered: bool) {
        if self.is_measured(at) {
            let age = now.saturating_sub(at);
            self.to_message.borrow_mut().record(age);
            if is_answered {
                self.to_sent.borrow_mut().record(age);
            }
        }
    }

    /// The server refused something. Fails where it refuses too much to go on.
    pub(super) fn count_refused(&self, refusal: ErrorReply) -> Result<(), chat_client::Error> {
        add(&self.refused, 1);
        if self.refused.get() > MOST_REFUSED {
            return Err(chat_client::Error::Refused(refusal));
        }
        self.first_refusal.borrow_mut().get_or_insert(refusal);
        Ok(())
    }

    pub(super) fn first_refusal(&self) -> Option<ErrorReply> {
        self.first_refusal.borrow().clone()
    }

    /// A number that stands still when nothing comes any more.
    pub(super) fn progress(&self) -> u64 {
        self.sent.get()
            + self.answered.get()
            + self.delivered.get()
            + self.delivered_late.get()
            + self.refused.get()
    }

    /// Adds what was timed to a result.
    pub(super) fn report(&self, report: &mut Report) -> anyhow::Result<()> {
        for (what, latencies) in [
            ("due_to_send", &self.to_send),
            ("send_to_sent", &self.to_sent),
            ("send_to_message", &self.to_message),
        ] {
            // What does not happen in this load is left out.
            if !latencies.borrow().is_empty() {
                report.time(what, &latencies.borrow())?;
            }
        }
        Ok(())
    }
}

fn processor_seconds() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| {
        let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    })
}
