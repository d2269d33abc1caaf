//! What was taken on its way to Kafka and is not yet known to be there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::error::Failure;

/// A record on its way.
#[derive(Debug)]
pub(super) struct Entry {
    /// How many records were taken before it.
    pub(super) index: u64,
    pub(super) taken_at: Instant,
    /// Its key.
    pub(super) node: String,
    /// Its time, in milliseconds since the Unix epoch.
    pub(super) timestamp: i64,
    pub(super) value: Vec<u8>,
    /// Whether it is in Kafka, or given up.
    pub(super) is_settled: bool,
}

/// The records on their way, in the order in which they were taken.
#[derive(Debug)]
pub(super) struct Flight {
    capacity: usize,
    entries: VecDeque<Entry>,
    /// How many of the entries, from the front, the producer has got.
    handed: usize,
    unsettled: usize,
    /// How many more the thread has in its hands, neither here nor in the ring.
    pub(super) in_hand: usize,
    /// Why the producer has to be made anew.
    failure: Option<Failure>,
    /// Records before this one are handed to the producer one by one, to find the one that Kafka does not take.
    careful_until: u64,
    /// Since when nothing of what is on its way has arrived.
    stuck_since: Option<Instant>,
    latency: Option<Duration>,
    delivered: u64,
    refused: u64,
}

/// What came of a record that arrived.
pub(super) struct Arrival {
    /// How long it took since it was taken.
    pub(super) latency: Duration,
    /// Whether the thread waits for such news.
    pub(super) matters: bool,
}

impl Flight {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: VecDeque::new(),
            handed: 0,
            unsettled: 0,
            in_hand: 0,
            failure: None,
            careful_until: 0,
            stuck_since: None,
            latency: None,
            delivered: 0,
            refused: 0,
        }
    }

    /// How many more may be on their way.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.entries.len() + self.in_hand)
    }

    /// Takes what the thread had in its hands.
    pub(super) fn add(&mut self, entries: Vec<Entry>, now: Instant) {
        self.in_hand = 0;
        self.unsettled += entries.len();
        self.entries.extend(entries);
        if self.unsettled > 0 {
            self.stuck_since.get_or_insert(now);
        }
        self.let_go();
    }

    /// The next entry to hand to the producer.
    pub(super) fn next(&self) -> Option<&Entry> {
        if self.failure.is_some() || (self.handed > 0 && self.is_careful()) {
            return None;
        }
        self.entries.get(self.handed)
    }

    /// The producer has got the next entry.
    pub(super) const fn hand_over(&mut self) {
        self.handed += 1;
    }

    /// A record is in Kafka.
    pub(super) fn arrived(&mut self, index: u64, now: Instant) -> Option<Arrival> {
        let entry = self.unsettled_entry(index)?;
        entry.is_settled = true;
        let latency = now.saturating_duration_since(entry.taken_at);
        self.unsettled -= 1;
        self.delivered += 1;
        self.latency = Some(latency);
        self.stuck_since = (self.unsettled > 0).then_some(now);
        let before = self.entries.len();
        self.let_go();
        let (after, half) = (self.entries.len(), self.capacity / 2);
        let made_room = before > half && after <= half;
        Some(Arrival {
            latency,
            matters: after == 0 || made_room || self.is_careful(),
        })
    }

    /// The producer has given a record up, or itself.
    pub(super) fn failed(&mut self, failure: Failure) {
        // A record that Kafka does not take ends the producer, and is the cause to be dealt with.
        if self.failure.is_none() || failure == Failure::Record {
            self.failure = Some(failure);
        }
    }

    pub(super) const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Begins again with a new producer: all that is not known to be in Kafka goes there in order.
    pub(super) fn start_again(&mut self) {
        if self.failure.take() == Some(Failure::Record) {
            if self.handed == 1 {
                self.refuse_first();
            } else if let Some(last) = self.entries.back() {
                self.careful_until = last.index + 1;
            }
        }
        self.entries.retain(|entry| !entry.is_settled);
        self.handed = 0;
    }

    /// Gives up the next entry to hand over, which Kafka never takes.
    pub(super) fn refuse_next(&mut self) {
        if let Some(entry) = self.entries.get_mut(self.handed) {
            entry.is_settled = true;
            self.unsettled -= 1;
            self.refused += 1;
            self.handed += 1;
        }
        self.let_go();
    }

    /// Counts a record that was given up before it came here.
    pub(super) const fn refuse(&mut self) {
        self.refused += 1;
    }

    fn refuse_first(&mut self) {
        if let Some(entry) = self.entries.front_mut().filter(|entry| !entry.is_settled) {
            entry.is_settled = true;
            self.unsettled -= 1;
            self.refused += 1;
            self.careful_until = 0;
        }
    }

    fn unsettled_entry(&mut self, index: u64) -> Option<&mut Entry> {
        let place = self
            .entries
            .binary_search_by_key(&index, |entry| entry.index)
            .ok()?;
        self.entries.get_mut(place).filter(|entry| !entry.is_settled)
    }

    /// Forgets what is settled, as far as everything before it is.
    fn let_go(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.is_settled) {
            self.entries.pop_front();
            self.handed = self.handed.saturating_sub(1);
        }
        if self.unsettled == 0 {
            self.stuck_since = None;
        }
    }

    fn is_careful(&self) -> bool {
        self.entries
            .front()
            .is_some_and(|first| first.index < self.careful_until)
    }

    /// The first record that is here and not settled.
    pub(super) fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.index)
    }

    /// How many are on their way.
    pub(super) const fn unsettled(&self) -> usize {
        self.unsettled + self.in_hand
    }

    pub(super) const fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    pub(super) const fn latency(&self) -> Option<Duration> {
        self.latency
    }

    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How many Kafka never takes, which are lost.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}
