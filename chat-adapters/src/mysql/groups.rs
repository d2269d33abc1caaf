//! Groups and their members.
//!
//! Joining and leaving lock the row of the group's conversation, as storing a message does, so each
//! membership is either before or after each message.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateGroup, GroupStore, JoinGroup, LeaveGroup, NewGroup};
use chat_core::types::{Group, GroupId, GroupMembership, Member, UserId};

use super::clock::now;
use super::error::{CallError, failed};
use super::memberships::membership;
use super::session::Session;
use super::{MySqlStore, creating, joining};
use crate::sql::memberships::{MembershipRow, group, role};
use crate::sql::rows::{group_id, integer, milliseconds, size, user, user_id};

#[async_trait]
impl GroupStore for MySqlStore {
    async fn create_group(&self, new: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError> {
        self.call(|mut session| async move { (creating::create(&mut session, new, limit).await, session) })
            .await
    }

    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError> {
        self.call(|mut session| async move {
            let joined = joining::join(&mut session, group, user, groups_limit, members_limit);
            (joined.await, session)
        })
        .await
    }

    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError> {
        self.call(|mut session| async move { (joining::leave(&mut session, group, user).await, session) })
            .await
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>, BackendError> {
        self.call(|mut session| async move { (read_group(&mut session, id).await, session) })
            .await
    }

    async fn membership(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMembership>, BackendError> {
        self.call(|mut session| async move { (membership(&mut session, group, user).await, session) })
            .await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError> {
        self.call(|mut session| async move { (memberships(&mut session, user).await, session) })
            .await
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError> {
        self.call(|mut session| async move { (members(&mut session, group, after, limit).await, session) })
            .await
    }

    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError> {
        self.call(|mut session| async move { (changed(&mut session, window, after, limit).await, session) })
            .await
    }
}

async fn read_group(session: &mut Session, id: GroupId) -> Result<Option<Group>, CallError> {
    let row = sqlx::query_as("SELECT id, groupname, groupdesc, members FROM AllGroup WHERE id = ?")
        .bind(integer(id.get()))
        .fetch_optional(session.connection())
        .await
        .map_err(failed("could not read a group"))?;
    Ok(row.map(group).transpose()?)
}

async fn memberships(session: &mut Session, user: UserId) -> Result<Vec<GroupMembership>, CallError> {
    let rows: Vec<MembershipRow> = sqlx::query_as(
        "SELECT g.id AS groupid, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq
           FROM GroupUser m STRAIGHT_JOIN AllGroup g ON g.id = m.groupid
          WHERE m.userid = ? ORDER BY m.groupid",
    )
    .bind(integer(user.get()))
    .fetch_all(session.connection())
    .await
    .map_err(failed("could not read groups"))?;
    let memberships = rows.into_iter().map(MembershipRow::into_membership);
    Ok(memberships.collect::<Result<_, _>>()?)
}

/// A group's members.
pub(super) const READ_MEMBERS: &str = "SELECT u.id, u.name, m.grouprole
       FROM GroupUser m STRAIGHT_JOIN User u ON u.id = m.userid
      WHERE m.groupid = ? AND m.userid > ? ORDER BY m.userid LIMIT ?";

async fn members(
    session: &mut Session,
    group: GroupId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<Member>, CallError> {
    let rows: Vec<(i64, String, String)> = sqlx::query_as(READ_MEMBERS)
        .bind(integer(group.get()))
        .bind(after.map_or(0, |user| integer(user.get())))
        .bind(size(limit))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read members"))?;
    let members = rows.into_iter().map(|(id, name, word)| {
        Ok(Member {
            user: user((id, name))?,
            role: role(&word)?,
        })
    });
    members.collect()
}

/// Who joined or left lately.
pub(super) const READ_CHANGED: &str = concat!(
    "SELECT groupid, userid FROM GroupChange FORCE INDEX (group_change_by_time)
      WHERE changed_at >= ",
    now!(),
    " - ? AND (groupid > ? OR (groupid = ? AND userid > ?))
      ORDER BY groupid, userid LIMIT ?"
);

async fn changed(
    session: &mut Session,
    window: Duration,
    after: Option<(GroupId, UserId)>,
    limit: usize,
) -> Result<Vec<(GroupId, UserId)>, CallError> {
    let (group, user) = after.map_or((0, 0), |(group, user)| {
        (integer(group.get()), integer(user.get()))
    });
    let rows: Vec<(i64, i64)> = sqlx::query_as(READ_CHANGED)
        .bind(milliseconds(window))
        .bind(group)
        .bind(group)
        .bind(user)
        .bind(size(limit))
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read changed memberships"))?;
    let pairs = rows
        .into_iter()
        .map(|(group, user)| Ok((group_id(group)?, user_id(user)?)));
    pairs.collect()
}
