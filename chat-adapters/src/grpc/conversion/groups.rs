//! Groups and their members.

use std::time::Duration;

use chat_core::ports::{CreateGroup, JoinGroup, LeaveGroup, NewGroup};
use chat_core::types::{Group, GroupId, GroupMembership, Member, Role, UserId};

use super::super::proto::{self, create_group_response, join_group_response, leave_group_response};
use super::wire::{Invalid, Wire, known, message, needed, outcome, read, record, words};

record!(Group as Group { id, name, description, members });
words!(Role { Creator, Normal });
needed!(Group as Group, GroupMembership as GroupMembership);

message!(JoinGroupRequest(group: GroupId, user: UserId, groups_limit: usize, members_limit: usize));
message!(LeaveGroupRequest(group: GroupId, user: UserId));
outcome!(
    LeaveGroup as LeaveGroupResponse,
    leave_group_response::Outcome {
        Left,
        WasNoMember,
        NoSuchGroup
    }
);
message!(GroupRequest(group: GroupId));
message!(GroupResponse(group: Option<Group>));
message!(MembershipRequest(group: GroupId, user: UserId));
message!(MembershipResponse(membership: Option<GroupMembership>));
message!(MembershipsRequest(user: UserId));
message!(MembershipsResponse(memberships: Vec<GroupMembership>));
message!(MembersRequest(group: GroupId, after: Option<UserId>, limit: usize));
message!(MembersResponse(members: Vec<Member>));
message!(GroupUser(group: GroupId, user: UserId));
message!(ChangedMembershipsRequest(window_ms: Duration, after: Option<(GroupId, UserId)>, limit: usize));
message!(ChangedMembershipsResponse(changed: Vec<(GroupId, UserId)>));

/// The role that was sent, or the one of 1.0 that it is to be taken for.
fn role(role: i32, fallback: i32) -> Result<Role, Invalid> {
    read(i32::from(known::<proto::Role>(role, fallback)), "role")
}

impl Wire<proto::GroupMembership> for GroupMembership {
    fn to_wire(&self) -> proto::GroupMembership {
        proto::GroupMembership {
            group: self.group.to_wire(),
            role: self.role.to_wire(),
            joined_seq: self.joined_seq.to_wire(),
            ..Default::default()
        }
    }

    fn from_wire(message: proto::GroupMembership) -> Result<Self, Invalid> {
        Ok(Self {
            group: read(message.group, "group")?,
            role: role(message.role, message.role_fallback)?,
            joined_seq: read(message.joined_seq, "joined_seq")?,
        })
    }
}

impl Wire<proto::Member> for Member {
    fn to_wire(&self) -> proto::Member {
        proto::Member {
            user: self.user.to_wire(),
            role: self.role.to_wire(),
            ..Default::default()
        }
    }

    fn from_wire(message: proto::Member) -> Result<Self, Invalid> {
        Ok(Self {
            user: read(message.user, "user")?,
            role: role(message.role, message.role_fallback)?,
        })
    }
}

impl Wire<proto::CreateGroupRequest> for (NewGroup, usize) {
    fn to_wire(&self) -> proto::CreateGroupRequest {
        let (group, limit) = self;
        proto::CreateGroupRequest {
            id: group.id.to_wire(),
            name: group.name.to_wire(),
            description: group.description.to_wire(),
            creator: group.creator.to_wire(),
            limit: limit.to_wire(),
        }
    }

    fn from_wire(message: proto::CreateGroupRequest) -> Result<Self, Invalid> {
        let group = NewGroup {
            id: read(message.id, "id")?,
            name: read(message.name, "name")?,
            description: read(message.description, "description")?,
            creator: read(message.creator, "creator")?,
        };
        Ok((group, read(message.limit, "limit")?))
    }
}

impl Wire<proto::CreateGroupResponse> for CreateGroup {
    fn to_wire(&self) -> proto::CreateGroupResponse {
        use create_group_response::Outcome;
        let (outcome, membership) = match self {
            Self::Created(membership) => (Outcome::Created, Some(membership.to_wire())),
            Self::NameTaken => (Outcome::NameTaken, None),
            Self::IdTaken => (Outcome::IdTaken, None),
            Self::NoSuchUser => (Outcome::NoSuchUser, None),
            Self::TooMany => (Outcome::TooMany, None),
        };
        proto::CreateGroupResponse {
            outcome: outcome.into(),
            membership,
            ..Default::default()
        }
    }

    fn from_wire(message: proto::CreateGroupResponse) -> Result<Self, Invalid> {
        use create_group_response::Outcome;
        Ok(match known(message.outcome, message.fallback) {
            Outcome::Created => Self::Created(read(message.membership, "membership")?),
            Outcome::NameTaken => Self::NameTaken,
            Outcome::IdTaken => Self::IdTaken,
            Outcome::NoSuchUser => Self::NoSuchUser,
            Outcome::TooMany => Self::TooMany,
            Outcome::Unspecified => return Err(Invalid::unknown("outcome")),
        })
    }
}

impl Wire<proto::JoinGroupResponse> for JoinGroup {
    fn to_wire(&self) -> proto::JoinGroupResponse {
        use join_group_response::Outcome;
        let (outcome, membership) = match self {
            Self::Joined(membership) => (Outcome::Joined, Some(membership.to_wire())),
            Self::AlreadyMember(membership) => (Outcome::AlreadyMember, Some(membership.to_wire())),
            Self::NotFound => (Outcome::NotFound, None),
            Self::TooMany => (Outcome::TooMany, None),
        };
        proto::JoinGroupResponse {
            outcome: outcome.into(),
            membership,
            ..Default::default()
        }
    }

    fn from_wire(message: proto::JoinGroupResponse) -> Result<Self, Invalid> {
        use join_group_response::Outcome;
        Ok(match known(message.outcome, message.fallback) {
            Outcome::Joined => Self::Joined(read(message.membership, "membership")?),
            Outcome::AlreadyMember => Self::AlreadyMember(read(message.membership, "membership")?),
            Outcome::NotFound => Self::NotFound,
            Outcome::TooMany => Self::TooMany,
            Outcome::Unspecified => return Err(Invalid::unknown("outcome")),
        })
    }
}
