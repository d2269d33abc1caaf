//! A store with users who have friends and groups.

use std::path::Path;

use anyhow::{Context, bail};
use chat_adapters::sqlite::{SqliteOptions, SqliteStore};
use chat_core::ports::{CreateGroup, FriendStore, GroupStore, NewGroup};
use chat_core::types::{Description, UserId};

use crate::accounts::{self, Account};

/// Members of each group.
const GROUP_MEMBERS: usize = 50;
/// The device on which everybody logs in.
pub(super) const DEVICE: &str = "phone";
/// Who is stored: user `n` has the token [`token`]`(n)`.
pub(crate) struct Stored {
    pub(super) users: Vec<u64>,
    /// The groups of each user.
    pub(super) groups: Vec<Vec<u64>>,
}

/// The token of a user, by their number.
pub(super) fn token(number: usize) -> String {
    format!("the token of user {number}")
}

impl Stored {
    /// Makes a store of users who have friends and are in groups.
    pub(crate) async fn create(file: &Path, count: usize) -> anyhow::Result<Self> {
        let store = SqliteStore::open(SqliteOptions::new(file)).await?;
        let accounts = (0..count).map(|number| Account {
            name: name(number),
            password: None,
            token: token(number),
            device: DEVICE,
        });
        let mut stored = Self {
            users: accounts::store(&store, accounts).await?,
            groups: vec![Vec::new(); count],
        };
        stored.befriend(&store).await?;
        store.close().await;
        Ok(stored)
    }

    /// Makes friends of neighbours, and groups of users who are near to each other and of users who are far apart.
    async fn befriend(&mut self, store: &SqliteStore) -> anyhow::Result<()> {
        let ids: Vec<UserId> = self
            .users
            .iter()
            .map(|&id| UserId::new(id))
            .collect::<Result<_, _>>()?;
        for (one, other) in ids.iter().zip(ids.iter().skip(1)) {
            store.add_friend(*one, *other, usize::MAX).await?;
        }
        let group_count = ids.len().div_ceil(GROUP_MEMBERS);
        for number in 0..group_count {
            let near = (number * GROUP_MEMBERS..ids.len()).take(GROUP_MEMBERS).collect();
            let far = (number..ids.len()).step_by(group_count).collect();
            self.group(store, &format!("near {number}"), &ids, near).await?;
            self.group(store, &format!("far {number}"), &ids, far).await?;
        }
        Ok(())
    }

    /// Makes a group of users by their numbers.
    async fn group(
        &mut self,
        store: &SqliteStore,
        name: &str,
        ids: &[UserId],
        members: Vec<usize>,
    ) -> anyhow::Result<()> {
        let id_of = |number: usize| ids.get(number).copied().context("no such user");
        let new = NewGroup {
            id: None,
            name: name.parse()?,
            description: Description::default(),
            creator: id_of(members.first().copied().context("a group has members")?)?,
        };
        let CreateGroup::Created(made) = store.create_group(&new, usize::MAX).await? else {
            bail!("the name of a group is taken");
        };
        let group = made.group.id;
        for number in members {
            store
                .join_group(group, id_of(number)?, usize::MAX, usize::MAX)
                .await?;
            if let Some(groups) = self.groups.get_mut(number) {
                groups.push(group.get());
            }
        }
        Ok(())
    }
}

/// The name of a user, by their number.
pub(super) fn name(number: usize) -> String {
    format!("user {number}")
}
