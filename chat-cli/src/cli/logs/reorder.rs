//! Holds records back for a moment, so that those of other nodes can take their place before them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use chat_core::Timestamp;
use tokio::time::Instant;

use super::entry::Entry;

/// The most records held back.
const MOST_RECORDS: usize = 8_192;
/// The most memory for them, in bytes.
const MOST_BYTES: usize = 32 << 20;

/// Puts records in the order of their times, within a window.
///
/// A record is given out once it has been here for the window, and with it everything before it. What
/// comes later than that, with a time before what has been given out, is given out at once.
#[derive(Debug)]
pub(super) struct Reorder {
    window: Duration,
    held: BinaryHeap<Reverse<Held>>,
    /// When each came, in that order; also of those that were given out since.
    arrivals: VecDeque<(Instant, Timestamp)>,
    /// Everything up to this time is given out.
    horizon: Option<Timestamp>,
    bytes: usize,
    taken: u64,
}

#[derive(Debug)]
struct Held {
    at: Timestamp,
    /// Which it was of all that came.
    place: u64,
    entry: Entry,
}

impl Reorder {
    pub(super) const fn new(window: Duration) -> Self {
        Self {
            window,
            held: BinaryHeap::new(),
            arrivals: VecDeque::new(),
            horizon: None,
            bytes: 0,
            taken: 0,
        }
    }

    /// Takes a record that comes at `now`. Where there is no room, the earliest to come wait no longer.
    pub(super) fn push(&mut self, entry: Entry, now: Instant) {
        let at = entry.record.at;
        let place = self.taken;
        self.taken += 1;
        self.bytes += entry.size();
        self.held.push(Reverse(Held { at, place, entry }));
        if Some(at) > self.horizon {
            self.arrivals.push_back((now, at));
        }
        while self.arrivals.len() > MOST_RECORDS {
            let Some((_, at)) = self.arrivals.pop_front() else {
                break;
            };
            self.raise(at);
        }
    }

    /// Says that nothing before `at` is expected any more.
    pub(super) fn raise(&mut self, at: Timestamp) {
        self.horizon = self.horizon.max(Some(at));
    }

    /// Lets go what has been here for the window. A record that claims to come from after `wall`, the present time
    /// of day, makes nobody else late.
    pub(super) fn expire(&mut self, now: Instant, wall: Timestamp) {
        if !self.has_ready() {
            self.horizon = self.horizon.min(Some(wall));
        }
        while let Some((arrived, at)) = self.arrivals.front().copied() {
            if arrived + self.window > now {
                break;
            }
            self.arrivals.pop_front();
            self.raise(at);
        }
    }

    /// When [`expire`](Self::expire) has something to do next.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.arrivals.front().map(|(arrived, _)| *arrived + self.window)
    }

    /// The next record that waits for nothing any more.
    pub(super) fn pop_ready(&mut self) -> Option<Entry> {
        if self.has_ready() { self.pop() } else { None }
    }

    /// The next record, whether it should wait or not.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let Reverse(held) = self.held.pop()?;
        self.bytes -= held.entry.size();
        self.raise(held.at);
        if self.held.is_empty() {
            self.arrivals.clear();
        }
        Some(held.entry)
    }

    fn has_ready(&self) -> bool {
        let first = self.held.peek().map(|Reverse(held)| held.at);
        first.is_some() && (first <= self.horizon || self.bytes > MOST_BYTES)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.place).cmp(&(other.at, other.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::logs::testing::entry;

    const WINDOW: Duration = Duration::from_secs(1);
    const WALL: Timestamp = Timestamp::from_millis(1_000_000);

    fn ready(reorder: &mut Reorder) -> Vec<u64> {
        let mut found = Vec::new();
        while let Some(entry) = reorder.pop_ready() {
            found.push(entry.record.at.as_millis());
        }
        found
    }

    #[test]
    fn a_record_waits_for_the_window_and_goes_with_everything_before_it() {
        let (mut reorder, start) = (Reorder::new(WINDOW), Instant::now());
        reorder.push(entry("n1", 50, 1), start);
        reorder.push(entry("n2", 40, 1), start + WINDOW / 2);
        reorder.push(entry("n2", 60, 2), start + WINDOW / 2);
        reorder.expire(start + WINDOW / 2, WALL);
        assert_eq!(ready(&mut reorder), [0; 0]);
        assert_eq!(reorder.next_expiry(), Some(start + WINDOW));
        reorder.expire(start + WINDOW, WALL);
        assert_eq!(ready(&mut reorder), [40, 50]);
        reorder.expire(start + WINDOW * 3 / 2, WALL);
        assert_eq!(ready(&mut reorder), [60]);
    }

    #[test]
    fn what_comes_late_is_given_out_when_it_comes() {
        let (mut reorder, start) = (Reorder::new(WINDOW), Instant::now());
        reorder.push(entry("n1", 50, 1), start);
        reorder.expire(start + WINDOW, WALL);
        assert_eq!(ready(&mut reorder), [50]);
        reorder.push(entry("n2", 20, 1), start + WINDOW);
        assert_eq!(ready(&mut reorder), [20]);
    }

    #[test]
    fn a_clock_that_is_ahead_makes_no_other_node_late() {
        let (mut reorder, start) = (Reorder::new(WINDOW), Instant::now());
        reorder.push(entry("ahead", 9_000_000, 1), start);
        reorder.expire(start + WINDOW, WALL);
        assert_eq!(ready(&mut reorder), [9_000_000]);
        let later = start + WINDOW * 2;
        reorder.expire(later, WALL.after(WINDOW));
        reorder.push(entry("n1", 1_000_900, 1), later);
        assert_eq!(ready(&mut reorder), [1_000_900], "before the wall clock: late");
        reorder.push(entry("n1", 1_001_200, 1), later);
        reorder.push(entry("n2", 1_001_100, 1), later);
        assert_eq!(ready(&mut reorder), [0; 0], "they wait for each other again");
        reorder.expire(later + WINDOW, WALL.after(WINDOW * 2));
        assert_eq!(ready(&mut reorder), [1_001_100, 1_001_200]);
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        let (mut reorder, now) = (Reorder::new(WINDOW), Instant::now());
        let mut given = 0;
        for at in 0..3 * MOST_RECORDS as u64 {
            reorder.push(entry("n1", at, at), now);
            given += ready(&mut reorder).len();
            assert!(reorder.held.len() <= MOST_RECORDS && reorder.arrivals.len() <= MOST_RECORDS);
        }
        assert_eq!(given, 2 * MOST_RECORDS);
        let mut large = crate::cli::logs::testing::record("n1", 0);
        large.event = "x".repeat(MOST_BYTES / 20);
        for at in 0..30 {
            large.at = Timestamp::from_millis(1_000_000 + at);
            reorder.push(Entry::of(large.clone()).unwrap(), now);
            ready(&mut reorder);
            assert!(reorder.bytes <= MOST_BYTES);
        }
    }
}
