//! Who is online: leases for the users here, and news of others' to their friends.

use std::collections::HashSet;
use std::sync::Arc;

use super::Node;
use super::gate::Access;
use crate::error::BackendError;
use crate::ports::{Notice, NoticeKind, Topic};
use crate::protocol::Event;
use crate::types::{User, UserId};

/// What this node has told presence.
struct Leases {
    node: Arc<Node>,
    /// Users with a lease of this node.
    held: HashSet<UserId>,
    /// Users whose change could not be told yet.
    untold: HashSet<UserId>,
    /// Whether stored states may be wrong since a crash.
    repair: bool,
}

/// Keeps leases for the users here until the node stops, then gives them back.
pub(crate) async fn run(node: Arc<Node>) {
    let mut leases = Leases {
        node: Arc::clone(&node),
        held: HashSet::new(),
        untold: HashSet::new(),
        repair: true,
    };
    let mut renewal = tokio::time::interval(node.limits.presence_interval);
    renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // Cancel safe: a tick and the set of changed users are taken only by the branch that wins.
        tokio::select! {
            changed = node.hub.changed_users() => leases.update(changed).await,
            _ = renewal.tick() => leases.renew().await,
            () = node.stop.cancelled() => break,
        }
    }
    leases.release_all().await;
}

impl Leases {
    /// Tells presence of users who came or went here.
    async fn update(&mut self, changed: HashSet<UserId>) {
        let here = self.node.hub.are_here(&changed);
        let (come, gone): (Vec<_>, Vec<_>) = changed.into_iter().partition(|user| here.contains(user));
        let come: Vec<_> = come
            .into_iter()
            .filter(|user| !self.held.contains(user))
            .collect();
        let gone: Vec<_> = gone.into_iter().filter(|user| self.held.contains(user)).collect();
        for users in come.chunks(self.page()) {
            self.take(users).await;
        }
        for users in gone.chunks(self.page()) {
            self.release(users).await;
        }
    }

    async fn take(&mut self, users: &[UserId]) {
        match self.renew_leases(users).await {
            Ok(came_online) => {
                self.held.extend(users);
                self.tell(&came_online, true).await;
            }
            Err(_) => self.untold.extend(users),
        }
    }

    async fn release(&mut self, users: &[UserId]) {
        let node = &self.node;
        let call = node
            .backends
            .presence
            .release(&node.id, users, node.backends.clock.now());
        match node.presence.bounded(Access::Write, call).await {
            Ok(went_offline) => {
                users.iter().for_each(|user| {
                    self.held.remove(user);
                });
                self.tell(&went_offline, false).await;
            }
            Err(_) => self.untold.extend(users),
        }
    }

    /// Renews all leases, catches up on what failed, and looks for leases that ended elsewhere.
    async fn renew(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        self.update(untold).await;
        let held: Vec<_> = self.held.iter().copied().collect();
        for users in held.chunks(self.page()) {
            if let Ok(came_online) = self.renew_leases(users).await {
                self.tell(&came_online, true).await;
            }
        }
        let node = Arc::clone(&self.node);
        let call = node
            .backends
            .presence
            .sweep(node.backends.clock.now(), self.page());
        if let Ok(went_offline) = node.presence.bounded(Access::Write, call).await {
            self.tell(&went_offline, false).await;
        }
        if self.repair {
            self.repair = self.repair_states().await.is_err();
        }
    }

    async fn renew_leases(&self, users: &[UserId]) -> Result<Vec<UserId>, BackendError> {
        let node = &self.node;
        let now = node.backends.clock.now();
        let call = node
            .backends
            .presence
            .renew(&node.id, users, now, node.limits.presence_lease);
        node.presence.bounded(Access::Write, call).await
    }

    /// Sets users offline in the store whom no node holds: a crash left them online there.
    async fn repair_states(&self) -> Result<(), BackendError> {
        let node = &self.node;
        let users = &node.backends.stores.users;
        let mut after = None;
        loop {
            let page = node
                .store
                .bounded(Access::Read, users.online_states(after, self.page()))
                .await?;
            let call = node.backends.presence.online(&page, node.backends.clock.now());
            let online = node.presence.bounded(Access::Read, call).await?;
            let stale = page.iter().zip(online).filter(|(_, online)| !online);
            let stale: Vec<_> = stale.map(|(&user, _)| user).collect();
            if !stale.is_empty() {
                node.store
                    .bounded(Access::Write, users.set_states(&stale, false))
                    .await?;
            }
            after = page.last().copied();
            if page.len() < self.page() {
                return Ok(());
            }
        }
    }

    async fn release_all(&mut self) {
        let held: Vec<_> = self.held.iter().copied().collect();
        for users in held.chunks(self.page()) {
            self.release(users).await;
        }
    }

    /// Writes the new states, and tells the friends. Presence is a hint: a failure here is watched
    /// by the gates and otherwise goes by.
    async fn tell(&self, users: &[UserId], online: bool) {
        if users.is_empty() {
            return;
        }
        let node = &self.node;
        let stores = &node.backends.stores;
        let _ = node
            .store
            .bounded(Access::Write, stores.users.set_states(users, online))
            .await;
        let Ok(users) = node.store.bounded(Access::Read, stores.users.users(users)).await else {
            return;
        };
        for user in users {
            self.tell_friends(user, online).await;
        }
    }

    async fn tell_friends(&self, user: User, online: bool) {
        let node = &self.node;
        let call = node.backends.stores.friends.friends(user.id);
        let Ok(friends) = node.store.bounded(Access::Read, call).await else {
            return;
        };
        let friends: Vec<_> = friends
            .into_iter()
            .map(|friend| friend.id)
            .filter(|&id| id != user.id)
            .collect();
        let listening = node.online(&friends).await;
        let Ok(frame) = (Event::Presence { user, online }).to_frame().encode() else {
            return;
        };
        for (friend, _) in friends
            .into_iter()
            .zip(listening)
            .filter(|(_, listening)| *listening)
        {
            let topic = Topic::User(friend);
            node.hub.event(topic, &frame, None);
            let kind = NoticeKind::Event { frame: frame.clone() };
            node.publisher.publish([Notice {
                topic,
                origin: node.id.clone(),
                kind,
            }]);
        }
    }

    fn page(&self) -> usize {
        self.node.limits.background_page.max(1)
    }
}
