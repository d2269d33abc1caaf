//! The sessions of this node, by topic: who is told what.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::wakes::Wakes;
use crate::error::GoodbyeCode;
use crate::ports::Topic;
use crate::protocol::Goodbye;
use crate::session::{SessionShared, SharedMessage};
use crate::types::{ById, ConversationId, Device, GroupId, Seq, SessionId, User, UserId};

/// Who is told what on this node, and which topics the node has to listen to for that.
#[derive(Debug)]
pub(crate) struct Hub {
    state: RwLock<State>,
    /// Counts changes of the set of topics.
    wanted: watch::Sender<u64>,
    /// The last count up to which the bus knows the set of topics.
    listening: watch::Sender<u64>,
    /// Tells that some user's first session came or last one went.
    users_changed: tokio::sync::Notify,
    /// The last of these changes up to which presence was told of them, or could not be.
    users_told: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    sessions: ById<SessionId, Entry>,
    by_topic: ById<Topic, Vec<Arc<SessionShared>>>,
    /// How many of the topics are users'.
    user_count: usize,
    /// Topics that got their first or lost their last session since the bus was told.
    changed_topics: HashSet<Topic>,
    /// Users whose first session came or last one went since presence was told.
    changed_users: HashSet<UserId>,
    /// Counts these changes.
    user_changes: u64,
}

#[derive(Debug)]
struct Entry {
    shared: Arc<SessionShared>,
    /// Those that it follows, ascending: mostly few, for which a set would cost an idle session more.
    groups: Vec<GroupId>,
}

/// What the bus has to be told.
#[derive(Debug, Default)]
pub(crate) struct TopicChanges {
    pub(crate) count: u64,
    pub(crate) add: Vec<Topic>,
    pub(crate) remove: Vec<Topic>,
}

impl State {
    fn take_changed_users(&mut self) -> UserChanges {
        UserChanges {
            last: UserChange(self.user_changes),
            users: std::mem::take(&mut self.changed_users),
        }
    }
}

/// Whom presence has to be told of.
#[derive(Debug)]
pub(crate) struct UserChanges {
    pub(crate) last: UserChange,
    pub(crate) users: HashSet<UserId>,
}

/// That a user's first session came or last one went: the later one of two has the higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UserChange(u64);

impl UserChange {
    /// No later one matters to anybody.
    pub(crate) const LAST: Self = Self(u64::MAX);
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            state: RwLock::default(),
            wanted: watch::Sender::new(0),
            listening: watch::Sender::new(0),
            users_changed: tokio::sync::Notify::new(),
            users_told: watch::Sender::new(0),
        }
    }

    // ---- who is here ----

    /// Adds a session to its user's topic. Of two sessions of one device the one with the lower
    /// epoch, possibly this one, is closed. Answers the change of which presence is yet to be told, where its user had
    /// no session here.
    pub(crate) fn register(&self, shared: &Arc<SessionShared>) -> Option<UserChange> {
        let topic = Topic::User(shared.user.id);
        let mut state = self.write();
        state.sessions.insert(
            shared.id,
            Entry {
                shared: Arc::clone(shared),
                groups: Vec::new(),
            },
        );
        let is_first = self.join_topic(&mut state, topic, shared);
        let change = is_first.then_some(UserChange(state.user_changes));
        let same_device = state.by_topic.get(&topic).into_iter().flatten();
        let same_device: Vec<_> = same_device
            .filter(|s| s.device == shared.device)
            .cloned()
            .collect();
        drop(state);
        if let Some(newest) = same_device.iter().map(|session| session.epoch).max() {
            close_older(&same_device, newest);
        }
        change
    }

    pub(crate) fn unregister(&self, session: SessionId) {
        let mut state = self.write();
        let Some(Entry { shared, groups }) = state.sessions.remove(&session) else {
            return;
        };
        self.leave_topic(&mut state, Topic::User(shared.user.id), session);
        for group in groups {
            self.leave_topic(&mut state, Topic::Group(group), session);
        }
    }

    /// Adds a session to a group's topic. Safe to repeat.
    pub(crate) fn follow(&self, session: SessionId, group: GroupId) {
        let mut state = self.write();
        let Some(entry) = state.sessions.get_mut(&session) else {
            return;
        };
        if let Err(place) = entry.groups.binary_search(&group) {
            entry.groups.insert(place, group);
            let shared = Arc::clone(&entry.shared);
            self.join_topic(&mut state, Topic::Group(group), &shared);
        }
    }

    /// Removes a session from a group's topic. Safe to repeat.
    pub(crate) fn unfollow(&self, session: SessionId, group: GroupId) {
        let mut state = self.write();
        let Some(entry) = state.sessions.get_mut(&session) else {
            return;
        };
        if let Ok(place) = entry.groups.binary_search(&group) {
            entry.groups.remove(place);
            self.leave_topic(&mut state, Topic::Group(group), session);
        }
    }

    /// The sessions of a topic.
    pub(crate) fn sessions(&self, topic: Topic) -> Vec<Arc<SessionShared>> {
        self.read().by_topic.get(&topic).cloned().unwrap_or_default()
    }

    /// How many sessions there are.
    pub(crate) fn session_count(&self) -> usize {
        self.read().sessions.len()
    }

    /// How many users have a session here, and how many topics these listen to.
    pub(crate) fn topic_counts(&self) -> (usize, usize) {
        let state = self.read();
        (state.user_count, state.by_topic.len())
    }

    /// The users who have a session here.
    pub(crate) fn users(&self) -> Vec<UserId> {
        let state = self.read();
        let users = state.by_topic.keys().filter_map(|topic| match topic {
            Topic::User(user) => Some(*user),
            Topic::Group(_) => None,
        });
        users.collect()
    }

    /// One of the users who have a session here, with their name.
    pub(crate) fn user(&self, user: UserId) -> Option<User> {
        let state = self.read();
        let sessions = state.by_topic.get(&Topic::User(user))?;
        sessions.first().map(|session| session.user.clone())
    }

    /// Which of these users have a session here.
    pub(crate) fn are_here(&self, users: &HashSet<UserId>) -> HashSet<UserId> {
        let state = self.read();
        users
            .iter()
            .copied()
            .filter(|&user| state.by_topic.contains_key(&Topic::User(user)))
            .collect()
    }

    /// Waits until some user's first session came or last one went, and answers whose.
    pub(crate) async fn changed_users(&self) -> UserChanges {
        loop {
            let changed = self.write().take_changed_users();
            if !changed.users.is_empty() {
                return changed;
            }
            self.users_changed.notified().await;
        }
    }

    /// Tells that presence knows of users up to a change, or could not be told.
    pub(crate) fn users_told(&self, UserChange(last): UserChange) {
        self.users_told.send_replace(last);
    }

    /// Waits, at most `timeout`, until presence was told of a change, or could not be.
    pub(crate) async fn told_presence(&self, UserChange(change): UserChange, timeout: Duration) {
        let mut told = self.users_told.subscribe();
        let reached = told.wait_for(|&last| last >= change);
        let _ = tokio::time::timeout(timeout, reached).await;
    }

    // ---- what they are told ----

    /// Tells all sessions of a topic but one of a message. They are yet to be woken.
    pub(crate) fn message(
        &self,
        topic: Topic,
        message: &Arc<SharedMessage>,
        but: Option<SessionId>,
        wakes: &mut Wakes,
    ) {
        let state = self.read();
        for session in state.by_topic.get(&topic).into_iter().flatten() {
            if Some(session.id) != but && session.message(message) {
                wakes.add(session);
            }
        }
    }

    /// Tells everyone whom it concerns how far a conversation has come.
    pub(crate) fn head(&self, conversation: ConversationId, seq: Seq) {
        let state = self.read();
        for topic in topics_of(conversation) {
            for session in state.by_topic.get(&topic).into_iter().flatten() {
                session.head(conversation, seq);
            }
        }
    }

    /// Tells all sessions of a topic an event, but not those of one user.
    pub(crate) fn event(&self, topic: Topic, frame: &bytes::Bytes, but: Option<UserId>) {
        let state = self.read();
        for session in state.by_topic.get(&topic).into_iter().flatten() {
            if Some(session.user.id) != but {
                session.event(frame.clone());
            }
        }
    }

    /// Tells a user's sessions that they joined or left a group.
    pub(crate) fn membership_changed(&self, user: UserId, group: GroupId) {
        for session in self.read().by_topic.get(&Topic::User(user)).into_iter().flatten() {
            session.membership_changed(group);
        }
    }

    /// Closes a device's sessions with a lower epoch; answers the highest that is here.
    pub(crate) fn device_opened(&self, user: UserId, device: &Device, epoch: u64) -> Option<u64> {
        let sessions = self.sessions(Topic::User(user));
        let of_device: Vec<_> = sessions
            .into_iter()
            .filter(|session| session.device == *device)
            .collect();
        close_older(&of_device, epoch);
        of_device.iter().map(|session| session.epoch).max()
    }

    /// Closes a user's sessions, of one device where it is named; answers how many there were.
    pub(crate) fn expel(&self, user: UserId, device: Option<&Device>) -> usize {
        let sessions = self.sessions(Topic::User(user));
        let chosen = sessions
            .iter()
            .filter(|session| device.is_none_or(|device| session.device == *device))
            .filter(|session| session.goodbye().is_none());
        chosen
            .inspect(|session| session.close(Goodbye::new(GoodbyeCode::Expelled, None)))
            .count()
    }

    // ---- what the node listens to ----

    /// Waits, at most `timeout`, until the bus has been told of every topic wanted by now. Beyond
    /// that the pull covers what the bus does not bring.
    pub(crate) async fn listening(&self, timeout: Duration) {
        let wanted = *self.wanted.borrow();
        let mut listening = self.listening.subscribe();
        let reached = listening.wait_for(|&count| count >= wanted);
        // A time-out is no failure: see above.
        let _ = tokio::time::timeout(timeout, reached).await;
    }

    /// Waits until the set of topics changed, and answers how.
    pub(crate) async fn changed_topics(&self) -> TopicChanges {
        let mut wanted = self.wanted.subscribe();
        loop {
            let count = *wanted.borrow_and_update();
            let changed = std::mem::take(&mut self.write().changed_topics);
            if !changed.is_empty() {
                let state = self.read();
                let (add, remove) = changed
                    .into_iter()
                    .partition(|topic| state.by_topic.contains_key(topic));
                return TopicChanges { count, add, remove };
            }
            self.listening.send_replace(count);
            if wanted.changed().await.is_err() {
                return TopicChanges::default();
            }
        }
    }

    /// Tells that the bus knows the topics up to a change.
    pub(crate) fn topics_told(&self, count: u64) {
        self.listening.send_replace(count);
    }

    /// Answers whether nobody was there.
    fn join_topic(&self, state: &mut State, topic: Topic, shared: &Arc<SessionShared>) -> bool {
        let sessions = state.by_topic.entry(topic).or_default();
        sessions.push(Arc::clone(shared));
        let is_first = sessions.len() == 1;
        if is_first {
            state.user_count += usize::from(matches!(topic, Topic::User(_)));
            self.topic_changed(state, topic);
        }
        is_first
    }

    fn leave_topic(&self, state: &mut State, topic: Topic, session: SessionId) {
        let Some(sessions) = state.by_topic.get_mut(&topic) else {
            return;
        };
        if let Some(place) = sessions.iter().position(|shared| shared.id == session) {
            sessions.swap_remove(place);
        }
        if sessions.is_empty() {
            state.by_topic.remove(&topic);
            state.user_count -= usize::from(matches!(topic, Topic::User(_)));
            self.topic_changed(state, topic);
        }
    }

    fn topic_changed(&self, state: &mut State, topic: Topic) {
        state.changed_topics.insert(topic);
        self.wanted.send_modify(|count| *count += 1);
        if let Topic::User(user) = topic {
            state.changed_users.insert(user);
            state.user_changes += 1;
            self.users_changed.notify_one();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom a conversation's messages are for.
pub(crate) fn topics_of(conversation: ConversationId) -> impl Iterator<Item = Topic> {
    let group = conversation.as_group().map(Topic::Group);
    let users = conversation.users();
    let low = users.map(|(low, _)| Topic::User(low));
    let high = users
        .filter(|(low, high)| low != high)
        .map(|(_, high)| Topic::User(high));
    group.into_iter().chain(low).chain(high)
}

fn close_older(sessions: &[Arc<SessionShared>], epoch: u64) {
    for session in sessions.iter().filter(|session| session.epoch < epoch) {
        session.close(Goodbye::new(GoodbyeCode::Replaced, None));
    }
}
