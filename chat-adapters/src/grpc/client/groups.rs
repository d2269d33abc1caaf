//! Groups and their members.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateGroup, GroupStore, JoinGroup, LeaveGroup, NewGroup};
use chat_core::types::{Group, GroupId, GroupMembership, Member, UserId};

use super::RemoteStore;
use crate::grpc::conversion::Wire as _;
use crate::grpc::methods;

#[async_trait]
impl GroupStore for RemoteStore {
    async fn create_group(&self, group: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError> {
        let request = (group.clone(), limit).to_wire();
        self.call(&methods::create_group, request).await
    }

    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError> {
        let request = (group, user, groups_limit, members_limit).to_wire();
        self.call(&methods::join_group, request).await
    }

    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError> {
        self.call(&methods::leave_group, (group, user).to_wire()).await
    }

    async fn group(&self, group: GroupId) -> Result<Option<Group>, BackendError> {
        self.call(&methods::group, group.to_wire()).await
    }

    async fn membership(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMembership>, BackendError> {
        self.call(&methods::membership, (group, user).to_wire()).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError> {
        self.call(&methods::memberships, user.to_wire()).await
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError> {
        let request = (group, after, limit).to_wire();
        self.call(&methods::members, request).await
    }

    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError> {
        let request = (window, after, limit).to_wire();
        self.call(&methods::changed_memberships, request).await
    }
}
