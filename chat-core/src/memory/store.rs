//! The state of the in-memory store; one file for each port works on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::changes::Changes;
use super::device_rows::Devices;
use super::messages::Conversation;
use super::tokens::Tokens;
use crate::clock::{Clock, SystemClock};
use crate::error::BackendError;
use crate::types::{
    ById, ConversationId, Description, Device, Group, GroupId, GroupName, NameKey, PasswordHash, Role, Seq,
    User, UserId,
};

/// All six stores behind one mutex, which is held for one call at a time and never while waiting.
///
/// ```
/// use chat_core::memory::MemoryStore;
/// use chat_core::ports::{CreateUser, NewUser, UserStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::default();
/// let alice = NewUser { id: None, name: "alice".parse()?, password: None };
/// let CreateUser::Created(user) = store.create_user(&alice).await? else {
///     unreachable!("nobody has the name yet")
/// };
/// assert_eq!(store.users(&[user.id]).await?, [user]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store. Its clock tells which changes are recent.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            clock,
        }
    }

    /// The state, also after a panic elsewhere: no method leaves it half changed.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<UserId, UserRow>,
    pub(super) user_names: HashMap<NameKey, UserId>,
    pub(super) online: BTreeSet<UserId>,
    pub(super) groups: BTreeMap<GroupId, GroupRow>,
    pub(super) group_names: HashMap<NameKey, GroupId>,
    pub(super) membership_changes: Changes<(GroupId, UserId)>,
    pub(super) conversations: ById<ConversationId, Conversation>,
    pub(super) conversation_changes: Changes<ConversationId>,
    pub(super) opened_devices: Changes<(UserId, Device)>,
    pub(super) tokens: Tokens,
}

/// A user and what belongs to them.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) user: User,
    pub(super) password: Option<PasswordHash>,
    pub(super) friends: BTreeSet<UserId>,
    pub(super) groups: BTreeSet<GroupId>,
    /// Direct conversations that have a message.
    pub(super) direct: BTreeSet<ConversationId>,
    pub(super) devices: Devices,
}

/// A group and its members.
#[derive(Debug)]
pub(super) struct GroupRow {
    pub(super) id: GroupId,
    pub(super) name: GroupName,
    pub(super) description: Description,
    pub(super) members: BTreeMap<UserId, MemberRow>,
}

impl GroupRow {
    pub(super) fn to_group(&self) -> Group {
        Group {
            id: self.id,
            name: self.name.clone(),
            description: self.description.clone(),
            members: self.members.len() as u64,
        }
    }
}

/// What a group knows of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberRow {
    pub(super) role: Role,
    pub(super) joined_seq: Seq,
}

impl State {
    pub(super) fn user(&self, id: UserId) -> Option<&UserRow> {
        self.users.get(&id)
    }

    pub(super) fn user_mut(&mut self, id: UserId) -> Option<&mut UserRow> {
        self.users.get_mut(&id)
    }

    pub(super) fn group_row(&self, id: GroupId) -> Option<&GroupRow> {
        self.groups.get(&id)
    }

    pub(super) fn group_row_mut(&mut self, id: GroupId) -> Option<&mut GroupRow> {
        self.groups.get_mut(&id)
    }

    /// The id of the next user whose id the store chooses.
    pub(super) fn next_user_id(&self) -> Result<UserId, BackendError> {
        let last = self.users.keys().next_back().map_or(0, |id| id.get());
        UserId::new(last + 1).map_err(out_of_ids)
    }

    /// The id of the next group whose id the store chooses.
    pub(super) fn next_group_id(&self) -> Result<GroupId, BackendError> {
        let last = self.groups.keys().next_back().map_or(0, |id| id.get());
        GroupId::new(last + 1).map_err(out_of_ids)
    }

    /// A conversation's last number; 0 where it has no message.
    pub(super) fn last_seq(&self, id: ConversationId) -> Seq {
        self.conversations
            .get(&id)
            .map_or(Seq::ZERO, Conversation::last_seq)
    }
}

/// The failure of a store that ran out of ids.
fn out_of_ids(error: crate::types::InvalidValue) -> BackendError {
    BackendError::broken("there are no more ids").because(error)
}
