//! Numbers that should come one after the other.

use std::collections::BTreeSet;

/// Missing numbers that are remembered; beyond it the lowest counts as lost for good.
const REMEMBERED: usize = 65_536;

/// What a number is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that was due.
    Next,
    /// After a gap, which later ones may fill.
    Ahead,
    /// One that was missing.
    Late,
    /// Here before.
    Repeated,
}

/// How far numbers have come, in memory that does not grow with them.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The lowest and the one after the highest.
    bounds: Option<(u64, u64)>,
    missing: BTreeSet<u64>,
    forgotten: u64,
}

impl Sequence {
    /// Numbers from this one on.
    pub(super) fn from(first: u64) -> Self {
        Self {
            bounds: Some((first, first)),
            ..Self::default()
        }
    }

    /// Takes the next number that came. Where nobody said where they begin, the first may be any, and lower ones
    /// after it count as late.
    #[inline]
    pub(super) fn take(&mut self, number: u64) -> Place {
        match &mut self.bounds {
            Some((_, next)) if number == *next => {
                *next += 1;
                Place::Next
            }
            Some(_) => self.take_unexpected(number),
            None => {
                self.bounds = Some((number, number + 1));
                Place::Next
            }
        }
    }

    #[cold]
    fn take_unexpected(&mut self, number: u64) -> Place {
        let Some((lowest, next)) = self.bounds else {
            return Place::Next;
        };
        if number < lowest {
            self.miss(number + 1, lowest);
            self.bounds = Some((number, next));
            return Place::Late;
        }
        if number > next {
            self.miss(next, number);
            self.bounds = Some((lowest, number + 1));
            return Place::Ahead;
        }
        if self.missing.remove(&number) {
            Place::Late
        } else {
            Place::Repeated
        }
    }

    fn miss(&mut self, from: u64, to: u64) {
        let remembered = to.saturating_sub(REMEMBERED as u64).max(from);
        self.forgotten += remembered - from;
        self.missing.extend(remembered..to);
        while self.missing.len() > REMEMBERED {
            self.missing.pop_first();
            self.forgotten += 1;
        }
    }

    /// The one that is due, if any came or it is known where they begin.
    pub(super) fn next(&self) -> Option<u64> {
        self.bounds.map(|(_, next)| next)
    }

    /// Whether it has not come, though it is below this end.
    pub(super) fn misses(&self, number: u64) -> bool {
        self.missing.contains(&number) || self.next().is_none_or(|next| number >= next)
    }

    /// Those below the next one that have not come, as far as they are remembered.
    pub(super) fn missing(&self) -> impl Iterator<Item = u64> {
        self.missing.iter().copied()
    }

    /// How many below this end have not come.
    pub(super) fn count_missing(&self, end: u64) -> u64 {
        let next = self.next().unwrap_or(end);
        self.missing.range(..end).count() as u64 + self.forgotten + end.saturating_sub(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(sequence: &mut Sequence, numbers: &[u64]) -> Vec<Place> {
        numbers.iter().map(|number| sequence.take(*number)).collect()
    }

    #[test]
    fn gaps_late_ones_and_repeats_are_told_apart() {
        use Place::{Ahead, Late, Next, Repeated};
        let mut sequence = Sequence::from(0);
        assert_eq!(
            places(&mut sequence, &[0, 1, 4, 3, 3, 1, 5]),
            [Next, Next, Ahead, Late, Repeated, Repeated, Next]
        );
        assert!(sequence.misses(2) && sequence.misses(6) && !sequence.misses(3));
        assert_eq!(sequence.count_missing(6), 1);
        assert_eq!(sequence.count_missing(8), 3);
    }

    #[test]
    fn without_a_known_beginning_it_may_turn_out_to_be_lower() {
        use Place::{Late, Next, Repeated};
        let mut sequence = Sequence::default();
        assert_eq!(
            places(&mut sequence, &[7, 4, 5, 5, 8]),
            [Next, Late, Late, Repeated, Next]
        );
        assert_eq!(sequence.count_missing(9), 1);
    }

    #[test]
    fn what_cannot_be_remembered_is_lost() {
        let mut sequence = Sequence::from(0);
        let far = 3 * REMEMBERED as u64;
        sequence.take(far);
        sequence.take(far + 2);
        assert!(sequence.missing.len() <= REMEMBERED);
        assert_eq!(sequence.count_missing(far + 3), far + 1);
    }
}
