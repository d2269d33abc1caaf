//! What the callers, the thread and the producer's callbacks share.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use chat_core::ports::{LogRecord, LogStatus};
use tokio::sync::watch;

use super::error::Failure;
use super::flight::{Entry, Flight};
use super::ring::{Ring, Waiting};

/// For so long may nothing arrive, or nobody answer, before Kafka counts as away.
const AWAY_AFTER: Duration = Duration::from_secs(2);

/// Locks are taken in the order `flight`, `ring`, `contact`; a caller's `append` takes `ring` alone.
#[derive(Debug)]
pub(super) struct Shared {
    flight: Mutex<Flight>,
    ring: Mutex<Ring>,
    contact: Mutex<Contact>,
    /// Told of each record that is settled, where somebody listens.
    news: watch::Sender<()>,
    thread: OnceLock<Thread>,
}

/// Whether Kafka answers, apart from what becomes of records.
#[derive(Debug)]
struct Contact {
    /// Since when it does not.
    lost_since: Option<Instant>,
    /// Whether it may be so and nobody has looked.
    is_doubtful: bool,
    /// What it looked like last.
    reason: String,
    /// By when the log ends, once it was dropped.
    ends_by: Option<Instant>,
    /// Whether the thread has ended.
    has_ended: bool,
}

impl Shared {
    pub(super) fn new(buffer: usize, in_flight: usize) -> Self {
        let contact = Contact {
            lost_since: Some(Instant::now()),
            is_doubtful: false,
            reason: String::new(),
            ends_by: None,
            has_ended: false,
        };
        Self {
            flight: Mutex::new(Flight::new(in_flight)),
            ring: Mutex::new(Ring::new(buffer)),
            contact: Mutex::new(contact),
            news: watch::Sender::new(()),
            thread: OnceLock::new(),
        }
    }

    pub(super) fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record from a caller.
    pub(super) fn push(&self, record: LogRecord) {
        // Where others wait already, the thread is awake, or is woken when there is room.
        let is_first = self.ring().push(record);
        if is_first {
            self.wake();
        }
    }

    /// Names the thread that is to be woken.
    pub(super) fn is_served_by(&self, thread: Thread) {
        // Set once, by the only thread there is.
        let _ = self.thread.set(thread);
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Takes up to so many of the oldest that wait, as far as there is room for them on their way.
    pub(super) fn take(&self, most: usize) -> Vec<Waiting> {
        let mut flight = self.flight();
        let taken = self.ring().pop(most.min(flight.room()));
        flight.in_hand = taken.len();
        taken
    }

    /// Sends on their way what was taken.
    pub(super) fn add(&self, entries: Vec<Entry>) {
        self.flight().add(entries, Instant::now());
        self.tell();
    }

    /// A record is in Kafka; answers how long it took.
    pub(super) fn arrived(&self, index: u64) -> Option<Duration> {
        let arrival = self.flight().arrived(index, Instant::now())?;
        let was_lost = self.found();
        self.tell();
        if arrival.matters || was_lost {
            self.wake();
        }
        Some(arrival.latency)
    }

    /// The producer has given a record up, or itself.
    pub(super) fn failed(&self, failure: Failure) {
        self.flight().failed(failure);
        self.wake();
    }

    /// Tells those who wait for records to be settled.
    pub(super) fn tell(&self) {
        if self.news.receiver_count() > 0 {
            self.news.send_replace(());
        }
    }

    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// How many records were taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.ring().taken()
    }

    /// So many of those taken first are in Kafka, or dropped; and how many of all Kafka refused.
    pub(super) fn settled(&self) -> (u64, u64) {
        let flight = self.flight();
        let ring = self.ring();
        let behind = ring.len() + flight.in_hand;
        let settled = flight
            .first()
            .unwrap_or_else(|| ring.taken().saturating_sub(behind as u64));
        (settled, flight.refused())
    }

    pub(super) fn status(&self) -> LogStatus {
        let flight = self.flight();
        let ring = self.ring();
        LogStatus {
            is_away: self.away_since(&flight).is_some(),
            waiting: ring.len() + flight.unsettled(),
            dropped: ring.dropped() + flight.refused(),
            latency: flight.latency(),
        }
    }

    /// Since when Kafka is away; `None` where it is there, as far as is known.
    pub(super) fn away_since(&self, flight: &Flight) -> Option<Instant> {
        let contact = self.contact();
        let since = match (contact.lost_since, flight.stuck_since()) {
            (Some(lost), Some(stuck)) => Some(lost.min(stuck)),
            (lost, stuck) => lost.or(stuck),
        };
        since.filter(|since| contact.has_ended || since.elapsed() >= AWAY_AFTER)
    }

    /// Kafka does not answer, or not as it should.
    pub(super) fn lost(&self, reason: &str) {
        let mut contact = self.contact();
        contact.lost_since.get_or_insert_with(Instant::now);
        reason.clone_into(&mut contact.reason);
    }

    /// Kafka answers. Says whether it did not before.
    pub(super) fn found(&self) -> bool {
        let mut contact = self.contact();
        let was_lost = contact.lost_since.take().is_some() | std::mem::take(&mut contact.is_doubtful);
        if was_lost {
            contact.reason.clear();
        }
        was_lost
    }

    /// Kafka may not answer any more.
    pub(super) fn doubt(&self) {
        self.contact().is_doubtful = true;
        self.wake();
    }

    /// Keeps what was said last about what is wrong.
    pub(super) fn complain(&self, reason: &str) {
        reason.clone_into(&mut self.contact().reason);
    }

    pub(super) fn reason(&self) -> String {
        self.contact().reason.clone()
    }

    /// Whether somebody should look if Kafka answers.
    pub(super) fn is_doubtful(&self) -> bool {
        let contact = self.contact();
        contact.is_doubtful || contact.lost_since.is_some()
    }

    /// Ends the log at this moment, or as soon as everything is in Kafka.
    pub(super) fn end_by(&self, moment: Instant) {
        self.contact().ends_by = Some(moment);
        self.wake();
    }

    pub(super) fn ends_by(&self) -> Option<Instant> {
        self.contact().ends_by
    }

    /// The thread has ended.
    pub(super) fn end(&self) {
        let mut contact = self.contact();
        contact.has_ended = true;
        contact.lost_since.get_or_insert_with(Instant::now);
        drop(contact);
        self.news.send_replace(());
    }

    pub(super) fn has_ended(&self) -> bool {
        self.contact().has_ended
    }
}
