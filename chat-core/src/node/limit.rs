//! The limits that can be reached, and how often each of them was.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Counter;

use crate::meters::catalogue::LIMIT_HITS;
use crate::spelled::spelled;

spelled!(
    /// A limit that somebody can reach, by the name of its field in [`Limits`](crate::Limits).
    ///
    /// Those that only slow their client down (`pipelined_sends`, `outbox_bytes`) or bound a piece of
    /// work (pages, batches) are no such limits: they are reached all the time.
    Limit {
        /// A frame was longer.
        MaxFrame = "max_frame",
        /// A connection was refused.
        Connections = "connections",
        /// A connection of one address was refused.
        ConnectionsPerAddress = "connections_per_address",
        /// A connection was closed before its login.
        LoginTimeout = "login_timeout",
        /// A silent connection was closed.
        IdleTimeout = "idle_timeout",
        /// A connection did not take its goodbye in time, and was cut off.
        CloseTimeout = "close_timeout",
        /// A request was refused.
        RequestsPerSecond = "requests_per_second",
        /// A connection was closed for its failed requests.
        ErrorsPerSecond = "errors_per_second",
        /// A registration was refused.
        RegistrationsPerMinute = "registrations_per_minute",
        /// A login was refused for its name or id.
        FailedLoginsPerMinute = "failed_logins_per_minute",
        /// A login was refused for its address.
        FailedLoginsPerAddressPerMinute = "failed_logins_per_address_per_minute",
        /// A login or registration was refused, because too many waited.
        PasswordQueue = "password_queue",
        /// A friendship was refused.
        FriendsPerUser = "friends_per_user",
        /// A group was not made or joined. Joining beyond `members_per_group` counts here too, since
        /// the store does not tell the two apart.
        GroupsPerUser = "groups_per_user",
        /// A message had to wait for room in the writer's queue.
        WriterQueue = "writer_queue",
        /// A call to the store took too long.
        StoreTimeout = "store_timeout",
        /// A call to the bus took too long.
        BusTimeout = "bus_timeout",
        /// A call to presence took too long.
        PresenceTimeout = "presence_timeout",
        /// A session reads the store, because its notices found no room.
        SessionNotices = "session_notices",
        /// An acknowledgement was dropped.
        PendingAcks = "pending_acks",
        /// A notice for other nodes was dropped.
        BusQueue = "bus_queue",
        /// A change of presence was dropped.
        PresenceChanges = "presence_changes",
        /// A hook did not decide in time.
        HookTimeout = "hook_timeout",
        /// A hook after a request was given up.
        AfterHookTimeout = "after_hook_timeout",
        /// A call of a hook was dropped.
        HookQueue = "hook_queue",
    }
);

/// Counts how often limits were reached.
#[derive(Debug)]
pub(crate) struct LimitHits {
    by_limit: Vec<Hits>,
}

#[derive(Debug)]
struct Hits {
    counter: Counter,
    untold: AtomicU64,
}

impl LimitHits {
    pub(crate) fn new() -> Self {
        let hits = Limit::SPELLINGS.iter().map(|&limit| Hits {
            counter: LIMIT_HITS.count(&[limit]),
            untold: AtomicU64::new(0),
        });
        Self {
            by_limit: hits.collect(),
        }
    }

    /// Counts that a limit was reached.
    pub(crate) fn hit(&self, limit: Limit) {
        if let Some(hits) = self.by_limit.get(limit as usize) {
            hits.counter.increment(1);
            hits.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The limits that were reached since the last call, and how often.
    pub(crate) fn take(&self) -> Vec<(&'static str, u64)> {
        let counts = self
            .by_limit
            .iter()
            .map(|hits| hits.untold.swap(0, Ordering::Relaxed));
        let counts = Limit::SPELLINGS.iter().copied().zip(counts);
        counts.filter(|&(_, count)| count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_with_the_number_of_times_it_was_reached_and_then_not_again() {
        let hits = LimitHits::new();
        hits.hit(Limit::MaxFrame);
        hits.hit(Limit::PresenceChanges);
        hits.hit(Limit::MaxFrame);
        assert_eq!(hits.take(), [("max_frame", 2), ("presence_changes", 1)]);
        assert_eq!(hits.take(), []);
    }

    #[test]
    fn limits_are_called_as_the_fields_of_limits_are() {
        let limits = format!("{:?}", crate::Limits::default());
        for limit in Limit::SPELLINGS {
            assert!(limits.contains(&format!(" {limit}: ")), "{limit}");
        }
    }
}
