//! When messages are sent, and what becomes of them.

/// When a message is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// Closed loop: when fewer than this many are under way.
    Window(u32),
    /// Open loop: when it is due.
    Schedule(Schedule),
}

/// Messages a second of all senders together, to which they come in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) rate: u64,
    pub(super) senders: u64,
}

impl Schedule {
    /// When, after the begin, a message of all senders is due.
    pub(super) const fn due(self, message: u64) -> u64 {
        (message as u128 * 1_000_000_000 / self.rate as u128) as u64
    }

    /// How many of all senders are due so long after the begin.
    pub(super) const fn count_due(self, nanoseconds: u64) -> u64 {
        (nanoseconds as u128 * self.rate as u128 / 1_000_000_000) as u64 + 1
    }
}

/// Whether the server answers a `send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    Yes,
    No,
}

/// Sessions that each message of a sender is delivered to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receivers {
    /// Those who receive at once: a message is under way until as many deliveries were made as it has of them.
    pub(super) prompt: u64,
    /// Those who receive when everything was sent.
    pub(super) stalled: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_even_distances_from_the_begin_on() {
        let schedule = Schedule { rate: 3, senders: 1 };
        let due = [0, 1, 2, 3].map(|message| schedule.due(message));
        assert_eq!(due, [0, 333_333_333, 666_666_666, 1_000_000_000]);
        let counts = [0, 333_333_332, 333_333_334, 999_999_999, 1_000_000_000];
        assert_eq!(counts.map(|time| schedule.count_due(time)), [1, 1, 2, 3, 4]);
    }
}
