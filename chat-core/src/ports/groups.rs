//! The port for groups and their members.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::types::{Description, Group, GroupId, GroupMembership, GroupName, Member, UserId};

/// A group to be made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Exactly this id, for a group that comes from elsewhere; `None` where the store chooses.
    pub id: Option<GroupId>,
    /// The name, unique by its [`NameKey`](crate::types::NameKey).
    pub name: GroupName,
    /// What it is for.
    pub description: Description,
    /// Its first member, with the role of creator.
    pub creator: UserId,
}

/// What came of making a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateGroup {
    /// It was made, with its creator as the only member.
    Created(GroupMembership),
    /// A group with the same name key exists.
    NameTaken,
    /// A group with the id that was asked for exists.
    IdTaken,
    /// The creator does not exist.
    NoSuchUser,
    /// The creator is in as many groups as allowed.
    TooMany,
}

/// What came of joining a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinGroup {
    /// The user is a member from now on; `joined_seq` is the group's last message at that moment.
    Joined(GroupMembership),
    /// They were already; this is what they are.
    AlreadyMember(GroupMembership),
    /// The group or the user does not exist.
    NotFound,
    /// The user is in as many groups, or the group has as many members, as allowed.
    TooMany,
}

/// What came of leaving a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveGroup {
    /// The user is no member any more.
    Left,
    /// They were none.
    WasNoMember,
    /// The group does not exist.
    NoSuchGroup,
}

/// Groups and their members.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait GroupStore: std::fmt::Debug + Send + Sync + 'static {
    /// Makes a group, where its creator is in fewer than `limit` groups.
    ///
    /// Atomic: of two calls with one name key, also at the same moment, one creates. Not safe to
    /// repeat blindly: a call that may have been done answers `NameTaken`, or `IdTaken` where an id
    /// was asked for, which is looked at first. An id that the store chooses is never one that it
    /// chose or was given before.
    async fn create_group(&self, group: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError>;

    /// Makes a user a member, where they are in fewer than `groups_limit` groups and the group has
    /// fewer than `members_limit` members.
    ///
    /// Atomic with the appends to the group: every message is either at or before `joined_seq`, or
    /// is delivered to the new member. Safe to repeat. `AlreadyMember` is answered before `TooMany`.
    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError>;

    /// Ends a membership.
    ///
    /// Atomic with the appends to the group: once it answers, no message of this user is stored
    /// there. Safe to repeat. The group stays, also without members.
    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError>;

    /// A group; `None` where there is none of that id.
    async fn group(&self, group: GroupId) -> Result<Option<Group>, BackendError>;

    /// A user's membership; `None` where they are no member or the group does not exist.
    async fn membership(&self, group: GroupId, user: UserId)
    -> Result<Option<GroupMembership>, BackendError>;

    /// All of a user's memberships by ascending group id. Not paged, because joining bounds it.
    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError>;

    /// A group's members by ascending user id, those after `after`, at most `limit`.
    ///
    /// Pages neither skip nor repeat who was a member all along, while others come and go.
    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError>;

    /// Who joined or left which group within the last `window`, by the store's own clock: at most
    /// `limit` pairs after `after`, by ascending group and user.
    ///
    /// Covers what a bus lost. A pair tells only that something changed; `membership` tells what
    /// holds now.
    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError>;
}
