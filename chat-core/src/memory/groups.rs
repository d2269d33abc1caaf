//! Groups and their members in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::store::{GroupRow, MemberRow, State};
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{CreateGroup, GroupStore, JoinGroup, LeaveGroup, NewGroup};
use crate::types::{ConversationId, Group, GroupId, GroupMembership, Member, Role, Seq, UserId};

#[async_trait]
impl GroupStore for MemoryStore {
    async fn create_group(&self, new: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError> {
        let key = new.name.key();
        let now = self.clock().now();
        let mut state = self.state();
        if new.id.is_some_and(|id| state.group_row(id).is_some()) {
            return Ok(CreateGroup::IdTaken);
        }
        if state.group_names.contains_key(&key) {
            return Ok(CreateGroup::NameTaken);
        }
        let Some(creator) = state.user(new.creator) else {
            return Ok(CreateGroup::NoSuchUser);
        };
        if creator.groups.len() >= limit {
            return Ok(CreateGroup::TooMany);
        }
        let id = new.id.map_or_else(|| state.next_group_id(), Ok)?;
        state.group_names.insert(key, id);
        let row = GroupRow {
            id,
            name: new.name.clone(),
            description: new.description.clone(),
            members: BTreeMap::new(),
        };
        state.groups.insert(id, row);
        let first = MemberRow {
            role: Role::Creator,
            joined_seq: Seq::ZERO,
        };
        state.add_member(id, new.creator, first, now);
        let made = state.membership(id, new.creator);
        made.map(CreateGroup::Created)
            .ok_or_else(|| BackendError::broken("a new group has no creator"))
    }

    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError> {
        let now = self.clock().now();
        let mut state = self.state();
        let (Some(group_row), Some(user_row)) = (state.group_row(group), state.user(user)) else {
            return Ok(JoinGroup::NotFound);
        };
        if let Some(existing) = state.membership(group, user) {
            return Ok(JoinGroup::AlreadyMember(existing));
        }
        if user_row.groups.len() >= groups_limit || group_row.members.len() >= members_limit {
            return Ok(JoinGroup::TooMany);
        }
        let member = MemberRow {
            role: Role::Normal,
            joined_seq: state.last_seq(ConversationId::group(group)),
        };
        state.add_member(group, user, member, now);
        let joined = state.membership(group, user);
        Ok(joined.map_or(JoinGroup::NotFound, JoinGroup::Joined))
    }

    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError> {
        let now = self.clock().now();
        let mut state = self.state();
        let Some(group_row) = state.group_row_mut(group) else {
            return Ok(LeaveGroup::NoSuchGroup);
        };
        if group_row.members.remove(&user).is_none() {
            return Ok(LeaveGroup::WasNoMember);
        }
        if let Some(user_row) = state.user_mut(user) {
            user_row.groups.remove(&group);
        }
        state.membership_changes.touch((group, user), now);
        Ok(LeaveGroup::Left)
    }

    async fn group(&self, group: GroupId) -> Result<Option<Group>, BackendError> {
        Ok(self.state().group_row(group).map(GroupRow::to_group))
    }

    async fn membership(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMembership>, BackendError> {
        Ok(self.state().membership(group, user))
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError> {
        Ok(self.state().memberships(user))
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let Some(row) = state.group_row(group) else {
            return Ok(Vec::new());
        };
        let page = row.members.range((start, Bound::Unbounded)).take(limit);
        let members = page.filter_map(|(id, member)| {
            let user = state.user(*id)?.user.clone();
            Some(Member {
                user,
                role: member.role,
            })
        });
        Ok(members.collect())
    }

    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError> {
        let start = self.clock().now().before(window);
        Ok(self
            .state()
            .membership_changes
            .since(start, after.as_ref(), limit))
    }
}

impl State {
    /// By ascending group.
    pub(super) fn memberships(&self, user: UserId) -> Vec<GroupMembership> {
        let groups = self.user(user).into_iter().flat_map(|row| &row.groups);
        groups.filter_map(|group| self.membership(*group, user)).collect()
    }

    pub(super) fn member(&self, group: GroupId, user: UserId) -> Option<&MemberRow> {
        self.group_row(group)?.members.get(&user)
    }

    fn membership(&self, group: GroupId, user: UserId) -> Option<GroupMembership> {
        let row = self.group_row(group)?;
        let member = row.members.get(&user)?;
        Some(GroupMembership {
            group: row.to_group(),
            role: member.role,
            joined_seq: member.joined_seq,
        })
    }

    fn add_member(&mut self, group: GroupId, user: UserId, member: MemberRow, now: Timestamp) {
        if let Some(row) = self.group_row_mut(group) {
            row.members.insert(user, member);
        }
        if let Some(row) = self.user_mut(user) {
            row.groups.insert(group);
        }
        self.membership_changes.touch((group, user), now);
    }
}
