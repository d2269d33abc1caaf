//! Groups and their members.

use super::handle::SessionHandle;
use super::pages;
use crate::error::{Error, ErrorCode};
use crate::hooks::HookedRequest;
use crate::node::{Happened, Limit, Node};
use crate::ports::{CreateGroup, JoinGroup, LeaveGroup, NewGroup, NoticeKind, Topic};
use crate::protocol::{self, Event, GroupView, MemberView, Members, Reply};
use crate::types::GroupId;

impl SessionHandle {
    /// Makes a group, with this user as its creator and first member.
    ///
    /// # Errors
    /// `name_taken`; `forbidden` where this user is in as many groups as allowed; `unavailable`
    /// where the store cannot be reached: then it may have been made.
    pub async fn create_group(&self, request: protocol::CreateGroup) -> Result<GroupView, Error> {
        let node = self.node();
        if let Some(hooks) = node.asks_before(HookedRequest::CreateGroup) {
            hooks.before_create_group(self.user(), &request).await?;
        }
        let protocol::CreateGroup { name, description } = request;
        let group = NewGroup {
            id: None,
            name,
            description,
            creator: self.user().id,
        };
        let call = node
            .backends
            .stores
            .groups
            .create_group(&group, node.limits.groups_per_user);
        match node.store.write(call).await? {
            CreateGroup::Created(membership) => {
                self.membership_changed(membership.group.id);
                let group = GroupView::from(membership);
                node.happened(|| Happened::GroupCreated(self.user().clone(), group.clone()));
                Ok(group)
            }
            CreateGroup::NameTaken | CreateGroup::IdTaken => {
                Err(Error::new(ErrorCode::NameTaken, "a group of this name exists"))
            }
            CreateGroup::NoSuchUser => Err(Error::new(ErrorCode::NotFound, "there is no such user")),
            CreateGroup::TooMany => Err(too_many(node)),
        }
    }

    /// Becomes a member of a group. Joining twice is no error.
    ///
    /// # Errors
    /// `not_found` for a group that does not exist, `forbidden` where this user is in as many
    /// groups, or the group has as many members, as allowed, `unavailable` where the store cannot
    /// be reached.
    pub async fn join_group(&self, group: GroupId) -> Result<GroupView, Error> {
        let node = self.node();
        if let Some(hooks) = node.asks_before(HookedRequest::JoinGroup) {
            hooks.before_join_group(self.user(), group).await?;
        }
        let (groups, members) = (node.limits.groups_per_user, node.limits.members_per_group);
        let call = node
            .backends
            .stores
            .groups
            .join_group(group, self.user().id, groups, members);
        match node.store.write(call).await? {
            JoinGroup::Joined(membership) => {
                self.membership_changed(group);
                let event = Event::MemberJoined {
                    group,
                    user: self.user().clone(),
                };
                node.tell_all(Topic::Group(group), event, Some(self.user().id));
                let group = GroupView::from(membership);
                node.happened(|| Happened::GroupJoined(self.user().clone(), group.clone()));
                Ok(group)
            }
            JoinGroup::AlreadyMember(membership) => {
                self.membership_changed(group);
                Ok(membership.into())
            }
            JoinGroup::NotFound => Err(no_such_group()),
            JoinGroup::TooMany => Err(too_many(node)),
        }
    }

    /// Is a member no more. Once it answers, nothing this user sends is stored in the group.
    ///
    /// # Errors
    /// `not_found` for a group that does not exist, `forbidden` for who is no member,
    /// `unavailable` where the store cannot be reached.
    pub async fn leave_group(&self, group: GroupId) -> Result<(), Error> {
        let node = self.node();
        let call = node.backends.stores.groups.leave_group(group, self.user().id);
        match node.store.write(call).await? {
            LeaveGroup::Left => {
                self.membership_changed(group);
                let event = Event::MemberLeft {
                    group,
                    user: self.user().clone(),
                };
                node.tell_all(Topic::Group(group), event, Some(self.user().id));
                Ok(())
            }
            LeaveGroup::WasNoMember => {
                self.membership_changed(group);
                Err(not_a_member())
            }
            LeaveGroup::NoSuchGroup => Err(no_such_group()),
        }
    }

    /// The groups this user is in, by ascending id.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn groups(&self) -> Result<Vec<GroupView>, Error> {
        let node = self.node();
        let memberships = node
            .store
            .read(node.backends.stores.groups.memberships(self.user().id))
            .await?;
        Ok(memberships.into_iter().map(GroupView::from).collect())
    }

    /// A page of a group's members by ascending id.
    ///
    /// # Errors
    /// `forbidden` for who is no member, `not_found` for a group that does not exist,
    /// `unavailable` where the store cannot be reached.
    pub async fn members(&self, request: Members) -> Result<Reply, Error> {
        let Members { group, after, limit } = request;
        self.check_membership(group).await?;
        let node = self.node();
        let limit = usize::from(limit);
        let call = node.backends.stores.groups.members(group, after, limit + 1);
        let members = node.store.read(call).await?;
        let ids: Vec<_> = members.iter().map(|member| member.user.id).collect();
        let online = node.online(&ids).await;
        let views = members.into_iter().zip(online);
        let views: Vec<_> = views
            .map(|(member, online)| MemberView::new(member, online))
            .collect();
        let fitting = pages::fitting(views.iter(), node.limits.max_frame).min(limit);
        let more = fitting < views.len();
        Ok(Reply::Members {
            members: views.into_iter().take(fitting).collect(),
            more,
        })
    }

    /// Whether this user may see a group from inside.
    pub(crate) async fn check_membership(&self, group: GroupId) -> Result<(), Error> {
        let node = self.node();
        let groups = &node.backends.stores.groups;
        if node
            .store
            .read(groups.membership(group, self.user().id))
            .await?
            .is_some()
        {
            return Ok(());
        }
        match node.store.read(groups.group(group)).await? {
            Some(_) => Err(not_a_member()),
            None => Err(no_such_group()),
        }
    }

    /// Makes all of this user's sessions, here and elsewhere, look at their membership. Also where nothing has changed
    /// now: an attempt before may have changed it without an answer.
    fn membership_changed(&self, group: GroupId) {
        let user = self.user().id;
        self.node().hub.membership_changed(user, group);
        self.node()
            .tell(Topic::User(user), NoticeKind::MembershipChanged { group });
    }
}

fn no_such_group() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such group")
}

fn not_a_member() -> Error {
    Error::new(ErrorCode::Forbidden, "you are not a member of this group")
}

fn too_many(node: &Node) -> Error {
    node.limit_hits.hit(Limit::GroupsPerUser);
    Error::new(
        ErrorCode::Forbidden,
        "you are in as many groups, or it has as many members, as allowed",
    )
}
