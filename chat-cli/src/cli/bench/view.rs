//! What one session sees of one conversation, checked by the messages themselves.

use serde::{Deserialize, Serialize};

use super::sequence::{Place, Sequence};

/// What must never happen, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Violations {
    /// Acknowledged, and not delivered.
    pub(super) lost: u64,
    /// Delivered or stored more than once.
    pub(super) repeated: u64,
    /// Delivered after a later one.
    pub(super) out_of_order: u64,
    /// Delivered to somebody it was not for.
    pub(super) misdirected: u64,
    /// Sessions that were told other positions than the sender was.
    pub(super) misnumbered: u64,
}

impl Violations {
    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.misdirected += other.misdirected;
        self.misnumbered += other.misnumbered;
    }

    pub(super) const fn total(self) -> u64 {
        self.lost + self.repeated + self.out_of_order + self.misdirected + self.misnumbered
    }
}

/// A sender's messages, as far as they are known to be stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledged {
    /// The numbers below it are stored,
    pub(super) end: u64,
    /// except these, which were refused or not answered.
    pub(super) except: Vec<u64>,
    /// The positions that the sender was told, where it was told all of them.
    pub(super) positions: Option<Positions>,
}

/// Which message has which position, for any number of messages: equal where they are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Positions(u64);

impl Positions {
    #[inline]
    pub(super) fn add(&mut self, seq: u64, number: u32) {
        // An odd factor and a rotation make sums of other pairs come out differently.
        let pair = (seq << 32 | u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = self.0.wrapping_add(pair ^ pair.rotate_right(29));
    }
}

/// One sender as a session sees it.
#[derive(Debug)]
struct From {
    numbers: Sequence,
    positions: Positions,
}

impl From {
    fn lost(&self, Acknowledged { end, except, .. }: &Acknowledged) -> u64 {
        let not_stored = except.iter().filter(|number| self.numbers.misses(**number));
        let missing = self.numbers.count_missing(*end);
        missing.saturating_sub(not_stored.count() as u64)
    }
}

/// The positions of a conversation have no gaps, messages come by ascending position, and the numbers of each sender
/// come one after the other.
#[derive(Debug)]
pub(super) struct View {
    seqs: Sequence,
    last_received: u64,
    last_sent: u64,
    senders: Vec<From>,
    violations: Violations,
}

impl View {
    /// A view of a conversation with so many senders beside this session's own.
    pub(super) fn new(senders: usize) -> Self {
        Self {
            seqs: Sequence::default(),
            last_received: 0,
            last_sent: 0,
            senders: (0..senders)
                .map(|_| From {
                    numbers: Sequence::from(0),
                    positions: Positions::default(),
                })
                .collect(),
            violations: Violations::default(),
        }
    }

    /// A message of this run came. A sender that nobody knows had no business here.
    #[inline]
    pub(super) fn receive(&mut self, seq: u64, sender: usize, number: u32) {
        let Some(from) = self.senders.get_mut(sender) else {
            self.violations.misdirected += 1;
            return;
        };
        let by_number = from.numbers.take(u64::from(number));
        if by_number != Place::Repeated {
            from.positions.add(seq, number);
        }
        let by_seq = self.seqs.take(seq);
        let ascends = seq > self.last_received;
        self.last_received = self.last_received.max(seq);
        if by_number == Place::Repeated || by_seq == Place::Repeated {
            self.violations.repeated += 1;
        } else if by_number == Place::Late || !ascends {
            self.violations.out_of_order += 1;
        }
    }

    /// A message of somebody else came: it only takes a place.
    pub(super) fn receive_foreign(&mut self, seq: u64) {
        self.seqs.take(seq);
        self.last_received = self.last_received.max(seq);
    }

    /// A `send` of this very session was answered, which stands for its delivery. Answers and messages come each by
    /// ascending position, but not both together.
    #[inline]
    pub(super) fn sent(&mut self, seq: u64, is_duplicate: bool) {
        if self.seqs.take(seq) == Place::Repeated || is_duplicate {
            self.violations.repeated += 1;
        } else if seq <= self.last_sent {
            self.violations.out_of_order += 1;
        }
        self.last_sent = self.last_sent.max(seq);
    }

    pub(super) fn misdirected(&mut self) {
        self.violations.misdirected += 1;
    }

    /// What was wrong, in the end, with what these senders sent.
    pub(super) fn finish(&self, senders: impl IntoIterator<Item = Acknowledged>) -> Violations {
        let (mut by_number, mut misnumbered) = (0, 0);
        for (from, acknowledged) in self.senders.iter().zip(senders) {
            let lost = from.lost(&acknowledged);
            let agrees = acknowledged.positions.is_none_or(|told| told == from.positions);
            by_number += lost;
            misnumbered += u64::from(lost == 0 && !agrees);
        }
        // A position that nothing has is a loss too, if the numbers do not show it.
        let by_seq = self.seqs.next().map_or(0, |next| self.seqs.count_missing(next));
        Violations {
            lost: by_number.max(by_seq),
            misnumbered,
            ..self.violations
        }
    }
}

#[cfg(test)]
mod tests;
