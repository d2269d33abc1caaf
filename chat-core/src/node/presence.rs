//! Who is online: leases for the users here, and the ends of leases elsewhere.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Node;
use super::gate::Access;
use super::hub::UserChange;
use super::teller::Teller;
use crate::error::BackendError;
use crate::types::UserId;

/// What this node has told presence.
struct Leases {
    node: Arc<Node>,
    /// Users with a lease of this node.
    held: HashSet<UserId>,
    /// Users whose coming or going presence could not be told yet, or has not answered.
    untold: HashSet<UserId>,
}

/// Whether presence was told of a user before, without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Repeated,
}

/// Keeps leases for the users here until the node stops, then gives them back. What changes by it
/// is told meanwhile.
pub(crate) async fn run(node: Arc<Node>) {
    let ended = CancellationToken::new();
    let teller = Teller::new(Arc::clone(&node));
    let leases = async {
        keep_leases(node).await;
        ended.cancel();
    };
    tokio::join!(leases, teller.run(&ended));
}

async fn keep_leases(node: Arc<Node>) {
    let mut leases = Leases {
        node: Arc::clone(&node),
        held: HashSet::new(),
        untold: HashSet::new(),
    };
    let mut renewal = tokio::time::interval(node.limits.presence_interval);
    renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // Cancel safe: a tick and the set of changed users are taken only by the branch that wins.
        tokio::select! {
            changed = node.hub.changed_users() => {
                leases.update(changed.users, Attempt::First).await;
                node.hub.users_told(changed.last);
            }
            _ = renewal.tick() => leases.renew().await,
            () = node.stop.cancelled() => break,
        }
    }
    node.hub.users_told(UserChange::LAST);
    leases.release_all().await;
}

impl Leases {
    /// Tells presence of users who came or went here. After a failure the rest waits for the next
    /// renewal, which must not come late.
    async fn update(&mut self, changed: HashSet<UserId>, attempt: Attempt) {
        let here = self.node.hub.are_here(&changed);
        let (come, gone): (Vec<_>, Vec<_>) = changed.into_iter().partition(|user| here.contains(user));
        let come: Vec<_> = come
            .into_iter()
            .filter(|user| !self.held.contains(user))
            .collect();
        // Whoever was taken without an answer may be held all the same.
        let gone: Vec<_> = gone
            .into_iter()
            .filter(|user| self.held.contains(user) || attempt == Attempt::Repeated)
            .collect();
        let mut works = true;
        for users in come.chunks(self.page()) {
            works = works && self.take(users, attempt).await;
            self.untold.extend(users.iter().filter(|_| !works));
        }
        for users in gone.chunks(self.page()) {
            works = works && self.release(users, attempt).await;
            self.untold.extend(users.iter().filter(|_| !works));
        }
    }

    /// Answers whether it could.
    async fn take(&mut self, users: &[UserId], attempt: Attempt) -> bool {
        let Ok(came_online) = self.renew_leases(users).await else {
            return false;
        };
        self.held.extend(users);
        self.add_changes(users, &came_online, attempt, true);
        true
    }

    /// Answers whether it could.
    async fn release(&mut self, users: &[UserId], attempt: Attempt) -> bool {
        let node = &self.node;
        let call = node
            .backends
            .presence
            .release(&node.id, users, node.backends.clock.now());
        let Ok(went_offline) = self.watched(call).await else {
            return false;
        };
        users.iter().for_each(|user| {
            self.held.remove(user);
        });
        self.add_changes(users, &went_offline, attempt, false);
        true
    }

    /// A repeated call does not answer what the one before it did; whoever is told of it compares
    /// with presence.
    fn add_changes(&self, users: &[UserId], answered: &[UserId], attempt: Attempt, online: bool) {
        let changed = match attempt {
            Attempt::First => answered,
            Attempt::Repeated => users,
        };
        self.node.changes.add(changed, online);
    }

    /// Renews all leases, catches up on what failed, and looks for leases that ended elsewhere.
    async fn renew(&mut self) {
        let held: Vec<_> = self.held.iter().copied().collect();
        for users in held.chunks(self.page()) {
            let Ok(came_online) = self.renew_leases(users).await else {
                return;
            };
            if !came_online.is_empty() {
                // Presence had forgotten them, and perhaps others of whom no node will tell.
                self.node.changes.doubt();
                self.node.changes.add(&came_online, true);
            }
        }
        let untold = std::mem::take(&mut self.untold);
        self.update(untold, Attempt::Repeated).await;
        self.sweep().await;
    }

    async fn sweep(&self) {
        let node = &self.node;
        loop {
            let call = node
                .backends
                .presence
                .sweep(node.backends.clock.now(), self.page());
            let Ok(went_offline) = self.watched(call).await else {
                return;
            };
            node.changes.add(&went_offline, false);
            if went_offline.len() < self.page() {
                return;
            }
        }
    }

    async fn renew_leases(&self, users: &[UserId]) -> Result<Vec<UserId>, BackendError> {
        let node = &self.node;
        let now = node.backends.clock.now();
        let call = node
            .backends
            .presence
            .renew(&node.id, users, now, node.limits.presence_lease);
        self.watched(call).await
    }

    /// A call whose failure casts doubt on the stored states: what it changed was not answered.
    async fn watched(
        &self,
        call: impl Future<Output = Result<Vec<UserId>, BackendError>>,
    ) -> Result<Vec<UserId>, BackendError> {
        let result = self.node.presence.bounded(Access::Write, call).await;
        if result.is_err() {
            self.node.changes.doubt();
        }
        result
    }

    async fn release_all(&mut self) {
        let held: Vec<_> = self.held.iter().copied().collect();
        for users in held.chunks(self.page()) {
            if !self.release(users, Attempt::First).await {
                return;
            }
        }
    }

    fn page(&self) -> usize {
        self.node.limits.background_page.max(1)
    }
}
