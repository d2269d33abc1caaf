//! Who came online and who went offline, until it is written and told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limit::{Limit, LimitHits};
use crate::meters::catalogue::PRESENCE_DROPPED;
use crate::types::UserId;

/// Changes that wait, and whether the stored states can be trusted.
#[derive(Debug)]
pub(crate) struct Changes {
    waiting: Mutex<Waiting>,
    capacity: usize,
    /// How long presence needs, once it works, to know everybody again: one lease.
    settling: Duration,
    added: tokio::sync::Notify,
    /// A login has read friends, or has given up.
    friends_read: tokio::sync::Notify,
    limit_hits: Arc<LimitHits>,
}

#[derive(Debug)]
struct Waiting {
    /// Of each user the latest change: whether they came online.
    changes: HashMap<UserId, bool>,
    /// Of users who came online and of whom nobody has been told yet, what is known of their friends.
    friends: HashMap<UserId, Friends>,
    /// How many logins of a user are about to read the friends.
    readers: HashMap<UserId, usize>,
    /// Numbers what is to be known of friends.
    last_asked: u64,
    /// When the stored states are checked next.
    check_at: Instant,
    /// Whether there was ever a reason to, beside the start.
    is_doubted: bool,
}

/// What is known of the friends of a user who came online.
#[derive(Debug)]
struct Friends {
    asked: FriendsAsked,
    /// `None` until a login has read them.
    ids: Option<Vec<UserId>>,
}

/// Whoever reads a user's friends after this was given out sees all who may not find the user online by
/// themselves: presence knew of the user before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FriendsAsked(u64);

/// A login that reads its user's friends once presence knows of the user. Who tells of the user waits for them until it
/// is dropped.
#[derive(Debug)]
pub(crate) struct FriendsReader<'c> {
    changes: &'c Changes,
    user: UserId,
}

impl Drop for FriendsReader<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut readers) = self.changes.lock().readers.entry(self.user) {
            *readers.get_mut() -= 1;
            if *readers.get() == 0 {
                readers.remove();
            }
        }
        self.changes.friends_read.notify_waiters();
    }
}

impl Waiting {
    /// Whoever reads the friends of a user from now on may tell of it, where there is room.
    fn ask_for_friends(&mut self, user: UserId, capacity: usize) {
        if self.friends.len() < capacity || self.friends.contains_key(&user) {
            self.last_asked += 1;
            let asked = FriendsAsked(self.last_asked);
            self.friends.insert(user, Friends { asked, ids: None });
        }
    }

    /// Whether a login is about to tell a user's friends.
    fn awaits_friends(&self, user: UserId) -> bool {
        let are_unknown = |friends: &Friends| friends.ids.is_none();
        self.readers.contains_key(&user) && self.friends.get(&user).is_some_and(are_unknown)
    }

    fn doubt(&mut self, settling: Duration) {
        self.check_at = Instant::now() + settling;
        self.is_doubted = true;
    }
}

impl Changes {
    /// No changes, and stored states that a crash may have left wrong.
    pub(crate) fn new(capacity: usize, settling: Duration, limit_hits: Arc<LimitHits>) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                changes: HashMap::new(),
                friends: HashMap::new(),
                readers: HashMap::new(),
                last_asked: 0,
                check_at: Instant::now() + settling,
                is_doubted: false,
            }),
            capacity,
            settling,
            added: tokio::sync::Notify::new(),
            friends_read: tokio::sync::Notify::new(),
            limit_hits,
        }
    }

    /// Adds changes, each in place of an earlier one of its user. What finds no room is dropped: the
    /// check of the stored states finds it.
    pub(crate) fn add(&self, users: &[UserId], online: bool) {
        if users.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for &user in users {
            let is_full = waiting.changes.len() >= self.capacity;
            if is_full && !waiting.changes.contains_key(&user) {
                PRESENCE_DROPPED.count(&[]).increment(1);
                self.limit_hits.hit(Limit::PresenceChanges);
                waiting.doubt(self.settling);
            } else {
                waiting.changes.insert(user, online);
                if online {
                    waiting.ask_for_friends(user, self.capacity);
                } else {
                    waiting.friends.remove(&user);
                }
            }
        }
        self.added.notify_one();
    }

    /// A login is about to read its user's friends.
    pub(crate) fn reads_friends(&self, user: UserId) -> FriendsReader<'_> {
        *self.lock().readers.entry(user).or_default() += 1;
        FriendsReader { changes: self, user }
    }

    /// Answers whether a user's friends, where they are read from now on, are of use to who tells of the user.
    pub(crate) fn asks_for_friends(&self, user: UserId) -> Option<FriendsAsked> {
        self.lock().friends.get(&user).map(|friends| friends.asked)
    }

    /// Keeps a user's friends, who were asked for before they were read, until somebody tells of the user.
    pub(crate) fn friends_read(&self, user: UserId, asked: FriendsAsked, ids: Vec<UserId>) {
        if let Some(friends) = self.lock().friends.get_mut(&user)
            && friends.asked == asked
        {
            friends.ids = Some(ids);
        }
    }

    /// A user's friends, where a login has read them, or is about to and is done within `timeout`; they are not kept any
    /// longer.
    pub(super) async fn take_friends(&self, user: UserId, timeout: Duration) -> Option<Vec<UserId>> {
        // A time-out is no failure: they can be read again.
        let _ = tokio::time::timeout(timeout, self.no_login_reads(user)).await;
        self.lock().friends.remove(&user)?.ids
    }

    async fn no_login_reads(&self, user: UserId) {
        loop {
            // Made before the look, so that it misses nothing.
            let read = self.friends_read.notified();
            if !self.lock().awaits_friends(user) {
                return;
            }
            read.await;
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().changes.len()
    }

    /// Gives changes back that could not be told; a later one of the same user stands. Friends that were
    /// read meanwhile may be friends no more by the time of the next attempt, which reads them anew.
    pub(super) fn give_back(&self, changes: impl IntoIterator<Item = (UserId, bool)>) {
        let mut waiting = self.lock();
        for (user, online) in changes {
            waiting.friends.remove(&user);
            waiting.changes.entry(user).or_insert(online);
        }
    }

    /// Takes some changes out.
    pub(super) fn take(&self, limit: usize) -> Vec<(UserId, bool)> {
        let mut waiting = self.lock();
        let users: Vec<UserId> = waiting.changes.keys().copied().take(limit).collect();
        let taken = users.iter().filter_map(|user| waiting.changes.remove_entry(user));
        taken.collect()
    }

    /// Waits until changes were added since the last wait. Cancel safe.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Presence failed or forgot leases, so that changes may have gone by untold: the stored states
    /// are checked, but not before presence had the time to learn of everybody again.
    pub(super) fn doubt(&self) {
        self.lock().doubt(self.settling);
    }

    /// Whether there was ever such a doubt.
    pub(super) fn is_doubted(&self) -> bool {
        self.lock().is_doubted
    }

    /// Whether the stored states are to be checked now.
    pub(super) fn check_is_due(&self) -> bool {
        self.lock().check_at <= Instant::now()
    }

    /// The stored states were checked; without a new doubt the next time is after `pause`.
    pub(super) fn checked(&self, pause: Duration) {
        let (mut waiting, now) = (self.lock(), Instant::now());
        if waiting.check_at <= now {
            waiting.check_at = now + pause;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(9);

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_capacity_changes_are_dropped_and_the_states_are_checked() {
        let changes = Changes::new(2, LEASE, Arc::new(LimitHits::new()));
        changes.checked(LEASE * 100);
        tokio::time::advance(LEASE).await;
        changes.checked(LEASE * 100);
        changes.add(&[user(1), user(2)], true);
        changes.add(&[user(2)], false);
        tokio::time::advance(LEASE).await;
        assert!(!changes.check_is_due(), "everything had room");

        changes.add(&[user(3)], true);
        tokio::time::advance(LEASE).await;
        assert!(changes.check_is_due());
        let mut taken = changes.take(10);
        taken.sort_unstable();
        assert_eq!(taken, [(user(1), true), (user(2), false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn friends_count_only_where_they_were_read_after_their_user_came_online() {
        let changes = Changes::new(2, LEASE, Arc::new(LimitHits::new()));
        let take = || changes.take_friends(user(1), LEASE);
        assert!(changes.asks_for_friends(user(1)).is_none());
        changes.add(&[user(1)], true);
        let early = changes.asks_for_friends(user(1)).unwrap();
        changes.add(&[user(1)], false);
        assert!(changes.asks_for_friends(user(1)).is_none());
        changes.add(&[user(1)], true);
        changes.friends_read(user(1), early, vec![user(7)]);
        assert_eq!(take().await, None, "read before presence knew");

        changes.add(&[user(1)], true);
        let asked = changes.asks_for_friends(user(1)).unwrap();
        changes.friends_read(user(1), asked, vec![user(8)]);
        assert_eq!(take().await, Some(vec![user(8)]));
        assert_eq!(take().await, None, "they are not kept");

        changes.add(&[user(1)], true);
        let asked = changes.asks_for_friends(user(1)).unwrap();
        changes.friends_read(user(1), asked, vec![user(9)]);
        changes.give_back(changes.take(1));
        assert_eq!(take().await, None, "read before the last attempt");
    }

    #[tokio::test(start_paused = true)]
    async fn friends_that_a_login_reads_are_waited_for_until_it_is_done_or_gives_up_or_too_long() {
        let changes = Changes::new(2, LEASE, Arc::new(LimitHits::new()));
        let login = async |pause: Duration, ids: Option<Vec<UserId>>| {
            let _reader = changes.reads_friends(user(1));
            let asked = changes.asks_for_friends(user(1)).unwrap();
            tokio::time::sleep(pause).await;
            if let Some(ids) = ids {
                changes.friends_read(user(1), asked, ids);
            }
        };
        let ids = vec![user(8)];
        for (pause, read, taken, waited) in [
            (LEASE / 2, Some(ids.clone()), Some(ids.clone()), LEASE / 2),
            (LEASE / 3, None, None, LEASE / 3),
            (LEASE * 2, Some(ids), None, LEASE),
        ] {
            changes.add(&[user(1)], true);
            let begun = Instant::now();
            let take = async {
                let friends = changes.take_friends(user(1), LEASE).await;
                (friends, begun.elapsed())
            };
            let ((), told) = tokio::join!(login(pause, read), take);
            assert_eq!(told, (taken, waited));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_capacity_no_friends_are_kept() {
        let changes = Changes::new(2, LEASE, Arc::new(LimitHits::new()));
        for id in 1..=3 {
            changes.add(&[user(id)], true);
            changes.take(1);
        }
        let asked = [1, 2, 3].map(|id| changes.asks_for_friends(user(id)).is_some());
        assert_eq!(asked, [true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_does_not_replace_what_came_later() {
        let changes = Changes::new(10, LEASE, Arc::new(LimitHits::new()));
        changes.add(&[user(1), user(2)], false);
        let taken = changes.take(10);
        changes.add(&[user(1)], true);
        changes.give_back(taken);
        let mut waiting = changes.take(10);
        waiting.sort_unstable();
        assert_eq!(waiting, [(user(1), true), (user(2), false)]);
        assert_eq!(changes.take(10), []);
    }

    #[tokio::test(start_paused = true)]
    async fn the_check_waits_one_lease_after_the_last_doubt() {
        let changes = Changes::new(10, LEASE, Arc::new(LimitHits::new()));
        tokio::time::advance(LEASE).await;
        assert!(changes.check_is_due());
        changes.doubt();
        changes.checked(LEASE * 100);
        tokio::time::advance(LEASE / 2).await;
        changes.doubt();
        tokio::time::advance(LEASE / 2).await;
        assert!(!changes.check_is_due());
        tokio::time::advance(LEASE / 2).await;
        assert!(changes.check_is_due());
        changes.checked(LEASE * 100);
        assert!(!changes.check_is_due());
    }
}
