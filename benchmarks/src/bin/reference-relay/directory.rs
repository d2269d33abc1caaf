//! Who there is, and where what is meant for them goes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::group::Group;

/// A user, and the queue of the connection that logged in last.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    queue: RwLock<Option<mpsc::Sender<Bytes>>>,
}

impl User {
    /// Sends what is meant for the user to this queue from now on.
    pub(crate) fn log_in(&self, queue: mpsc::Sender<Bytes>) {
        *self.queue.write().unwrap_or_else(PoisonError::into_inner) = Some(queue);
    }

    /// Puts a frame into the user's queue, and waits where it is full.
    pub(crate) async fn deliver(&self, frame: Bytes) {
        if let Some((queue, frame)) = self.try_deliver(frame) {
            // Where the connection has ended, nobody is left to get it.
            queue.send(frame).await.ok();
        }
    }

    /// Answers what to wait for where the queue is full.
    fn try_deliver(&self, frame: Bytes) -> Option<(mpsc::Sender<Bytes>, Bytes)> {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref()?.try_send(frame) {
            Err(TrySendError::Full(frame)) => Some((queue.clone()?, frame)),
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }
}

/// A conversation of two users.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) id: String,
    last_seq: AtomicU64,
}

impl Direct {
    pub(crate) fn next_seq(&self) -> u64 {
        self.last_seq.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Everybody and everything, by number.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    users: RwLock<Vec<Arc<User>>>,
    names: Mutex<HashMap<String, u64>>,
    groups: RwLock<Vec<Arc<Group>>>,
    directs: Mutex<HashMap<(u64, u64), Arc<Direct>>>,
}

impl Directory {
    /// A new user; `None` where the name is taken.
    pub(crate) fn register(&self, name: &str) -> Option<Arc<User>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains_key(name) {
            return None;
        }
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        let user = Arc::new(User {
            id: users.len() as u64 + 1,
            name: name.to_owned(),
            queue: RwLock::default(),
        });
        names.insert(name.to_owned(), user.id);
        users.push(Arc::clone(&user));
        Some(user)
    }

    pub(crate) fn user(&self, id: u64) -> Option<Arc<User>> {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.get(place(id)?).cloned()
    }

    pub(crate) fn user_by_name(&self, name: &str) -> Option<Arc<User>> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        self.user(*names.get(name)?)
    }

    /// Keeps the group that is made from its number.
    pub(crate) fn add_group(&self, make: impl FnOnce(u64) -> Group) -> Arc<Group> {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let group = Arc::new(make(groups.len() as u64 + 1));
        groups.push(Arc::clone(&group));
        group
    }

    pub(crate) fn group(&self, id: u64) -> Option<Arc<Group>> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.get(place(id)?).cloned()
    }

    /// The conversation of two users, which is made where it is missing.
    pub(crate) fn direct(&self, one: u64, other: u64) -> Arc<Direct> {
        let (low, high) = (one.min(other), one.max(other));
        let mut directs = self.directs.lock().unwrap_or_else(PoisonError::into_inner);
        let direct = directs.entry((low, high)).or_insert_with(|| {
            Arc::new(Direct {
                id: format!("d:{low}:{high}"),
                last_seq: AtomicU64::new(0),
            })
        });
        Arc::clone(direct)
    }
}

fn place(id: u64) -> Option<usize> {
    usize::try_from(id.checked_sub(1)?).ok()
}
