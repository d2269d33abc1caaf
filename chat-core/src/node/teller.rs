//! Writes who is online, and tells their friends.
//!
//! It works apart from the leases, which must be renewed in time also while the store is slow. Presence
//! alone knows the truth, and what was written is compared with it before anybody is told: a change may
//! have become old while it waited, and another node may have written at the same moment.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Node;
use super::gate::Access;
use crate::error::BackendError;
use crate::ports::{NoticeKind, Topic};
use crate::protocol::Event;
use crate::types::{User, UserId};

/// What one node tells of presence.
#[derive(Debug)]
pub(super) struct Teller {
    node: Arc<Node>,
    /// Whether no check of the stored states has been completed since the start.
    is_first_check: bool,
    /// Where the present check of the stored states goes on.
    checked_until: Option<UserId>,
}

impl Teller {
    pub(super) const fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            is_first_check: true,
            checked_until: None,
        }
    }

    /// Tells changes as they come, and what failed at each tick, until `ended`; then once more what
    /// is left.
    pub(super) async fn run(mut self, ended: &CancellationToken) {
        let mut tick = interval(self.node.limits.presence_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !ended.is_cancelled() {
            // Cancel safe: no branch takes anything out.
            let check = tokio::select! {
                () = self.node.changes.added() => false,
                _ = tick.tick() => true,
                () = ended.cancelled() => break,
            };
            // A failure is watched by the gates; what it left is tried at the next tick.
            let told = self.tell_waiting().await;
            if check && told.is_ok() {
                let _ = self.check_states().await;
            }
        }
        let _ = self.tell_waiting().await;
    }

    async fn tell_waiting(&self) -> Result<(), BackendError> {
        let changes = &self.node.changes;
        loop {
            let page = changes.take(self.page());
            if page.is_empty() {
                return Ok(());
            }
            let mut untold = page;
            let told = self.tell(&mut untold).await;
            changes.give_back(untold);
            told?;
        }
    }

    /// Tells changes, and takes those out that need not be told again.
    async fn tell(&self, changes: &mut Vec<(UserId, bool)>) -> Result<(), BackendError> {
        for online in [false, true] {
            let users: Vec<_> = changes
                .iter()
                .filter(|(_, change)| *change == online)
                .map(|(user, _)| *user)
                .collect();
            if users.is_empty() {
                continue;
            }
            let written = self.write(&users, online).await?;
            let told = self.tell_friends_of_all(&written, online).await;
            let untold = told.as_ref().err().map_or(&[][..], |(untold, _)| untold);
            changes.retain(|(user, change)| *change != online || untold.contains(user));
            told.map_err(|(_, error)| error)?;
        }
        Ok(())
    }

    /// Writes the states, and answers the users of whom that is true. The others are written again,
    /// as they are, and told.
    async fn write(&self, users: &[UserId], online: bool) -> Result<Vec<UserId>, BackendError> {
        let call = self.node.backends.stores.users.set_states(users, online);
        self.node.store.bounded(Access::Write, call).await?;
        let truth = self.are_online(users).await?;
        let (written, changed): (Vec<_>, Vec<_>) =
            users.iter().zip(truth).partition(|(_, truth)| *truth == online);
        let changed = changed.into_iter().map(|(user, truth)| (*user, truth));
        self.node.changes.give_back(changed);
        Ok(written.into_iter().map(|(user, _)| *user).collect())
    }

    async fn tell_friends_of_all(
        &self,
        users: &[UserId],
        online: bool,
    ) -> Result<(), (Vec<UserId>, BackendError)> {
        let users = self.names(users).await.map_err(|error| (users.to_vec(), error))?;
        let mut rest = users.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(self.node.limits.presence_reads.max(1)));
            let told = join_all(some.iter().map(|user| self.tell_friends(user, online))).await;
            if let Some(error) = told.into_iter().find_map(Result::err) {
                return Err((rest.iter().map(|user| user.id).collect(), error));
            }
            rest = others;
        }
        Ok(())
    }

    /// Users with their names, which need not be read of those who are here.
    async fn names(&self, users: &[UserId]) -> Result<Vec<User>, BackendError> {
        let (mut named, mut elsewhere) = (Vec::with_capacity(users.len()), Vec::new());
        for &id in users {
            match self.node.hub.user(id) {
                Some(user) => named.push(user),
                None => elsewhere.push(id),
            }
        }
        if !elsewhere.is_empty() {
            let call = self.node.backends.stores.users.users(&elsewhere);
            named.extend(self.node.store.bounded(Access::Read, call).await?);
        }
        Ok(named)
    }

    /// A user's friends; they need not be read where the login that brought the user has done so, or is doing so.
    async fn friends_of(&self, user: UserId) -> Result<Vec<UserId>, BackendError> {
        let wait = self.node.limits.store_timeout;
        if let Some(friends) = self.node.changes.take_friends(user, wait).await {
            return Ok(friends);
        }
        let call = self.node.backends.stores.friends.friends(user);
        let friends = self.node.store.bounded(Access::Read, call).await?;
        Ok(friends.into_iter().map(|friend| friend.id).collect())
    }

    async fn tell_friends(&self, user: &User, online: bool) -> Result<(), BackendError> {
        let node = &self.node;
        let mut friends = self.friends_of(user.id).await?;
        friends.retain(|&id| id != user.id);
        let listening = self.are_online(&friends).await?;
        let user = user.clone();
        let Ok(frame) = (Event::Presence { user, online }).to_frame().encode() else {
            return Ok(());
        };
        for (friend, _) in friends
            .into_iter()
            .zip(listening)
            .filter(|(_, listening)| *listening)
        {
            let topic = Topic::User(friend);
            node.hub.event(topic, &frame, None);
            let kind = NoticeKind::Event { frame: frame.clone() };
            node.tell(topic, kind);
        }
        Ok(())
    }

    /// Finds stored states that went wrong in a crash, or when presence failed or lost its data. It
    /// reads only users who are stored as online, in pages, and goes on at the next tick when it takes
    /// long.
    async fn check_states(&mut self) -> Result<(), BackendError> {
        let begun = Instant::now();
        while self.node.changes.check_is_due() {
            if self.checked_until.is_none() {
                self.write_those_here().await?;
            }
            let users = &self.node.backends.stores.users;
            let call = users.online_states(self.checked_until, self.page());
            let page = self.node.store.bounded(Access::Read, call).await?;
            self.check_page(&page).await?;
            self.checked_until = page.last().copied();
            if page.len() < self.page() {
                self.checked_until = None;
                self.is_first_check = false;
                self.node.changes.checked(self.node.limits.presence_check);
                return Ok(());
            }
            if begun.elapsed() > self.node.limits.presence_interval / 2 {
                return Ok(());
            }
        }
        // Presence is in doubt again: from the beginning, once it has settled.
        self.checked_until = None;
        Ok(())
    }

    /// Users with a session here are online, whatever was lost on the way.
    async fn write_those_here(&self) -> Result<(), BackendError> {
        for users in self.node.hub.users().chunks(self.page()) {
            let call = self.node.backends.stores.users.set_states(users, true);
            self.node.store.bounded(Access::Write, call).await?;
        }
        Ok(())
    }

    /// Of a page of users who are stored as online, sets those right who are not.
    async fn check_page(&self, page: &[UserId]) -> Result<(), BackendError> {
        let online = self.are_online(page).await?;
        let stale = page.iter().zip(online).filter(|(_, online)| !online);
        let stale: Vec<_> = stale.map(|(user, _)| *user).collect();
        let here = self.node.hub.are_here(&stale.iter().copied().collect());
        if !here.is_empty() {
            // Presence does not know of users whom this node holds: nor may it of others'.
            self.node.changes.doubt();
        } else if self.is_first_check && !self.node.changes.is_doubted() {
            // At the start nobody waits for this news: whoever logs in is told who is online.
            if !stale.is_empty() {
                self.write(&stale, false).await?;
            }
        } else {
            self.node.changes.add(&stale, false);
        }
        Ok(())
    }

    async fn are_online(&self, users: &[UserId]) -> Result<Vec<bool>, BackendError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let node = &self.node;
        let call = node.backends.presence.online(users, node.backends.clock.now());
        node.presence.bounded(Access::Read, call).await
    }

    fn page(&self) -> usize {
        self.node.limits.background_page.max(1)
    }
}
