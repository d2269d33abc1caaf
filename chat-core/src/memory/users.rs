//! Accounts in memory.

use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryStore;
use super::device_rows::Devices;
use super::store::{State, UserRow};
use crate::error::BackendError;
use crate::ports::{CreateUser, Credentials, NewUser, UserSelector, UserStore};
use crate::types::{User, UserId};

#[async_trait]
impl UserStore for MemoryStore {
    async fn create_user(&self, new: &NewUser) -> Result<CreateUser, BackendError> {
        let key = new.name.key();
        let mut state = self.state();
        if let Some(row) = new.id.and_then(|id| state.user(id)) {
            return Ok(CreateUser::IdTaken(row.user.clone()));
        }
        if let Some(row) = state.user_names.get(&key).and_then(|id| state.user(*id)) {
            return Ok(CreateUser::NameTaken(row.user.clone()));
        }
        let user = User {
            id: new.id.map_or_else(|| state.next_user_id(), Ok)?,
            name: new.name.clone(),
        };
        state.user_names.insert(key, user.id);
        let row = UserRow {
            user: user.clone(),
            password: new.password.clone(),
            friends: Default::default(),
            groups: Default::default(),
            direct: Default::default(),
            devices: Devices::default(),
        };
        state.users.insert(user.id, row);
        Ok(CreateUser::Created(user))
    }

    async fn credentials(&self, user: &UserSelector) -> Result<Option<Credentials>, BackendError> {
        let state = self.state();
        Ok(state.select(user).map(|row| Credentials {
            user: row.user.clone(),
            password: row.password.clone(),
        }))
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let state = self.state();
        Ok(ids
            .into_iter()
            .filter_map(|id| state.user(id))
            .map(|row| row.user.clone())
            .collect())
    }

    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError> {
        let mut state = self.state();
        for id in users {
            if !online {
                state.online.remove(id);
            } else if state.user(*id).is_some() {
                state.online.insert(*id);
            }
        }
        Ok(())
    }

    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let online = state.online.range((start, Bound::Unbounded));
        Ok(online.take(limit).copied().collect())
    }
}

impl State {
    fn select(&self, user: &UserSelector) -> Option<&UserRow> {
        match user {
            UserSelector::Id(id) => self.user(*id),
            UserSelector::Name(name) => self.user(*self.user_names.get(&name.key())?),
        }
    }
}
