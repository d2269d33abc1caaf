//! Groups and their members.

use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{CreateGroup, GroupStore, JoinGroup, LeaveGroup, NewGroup};
use chat_core::types::{Group, GroupId, GroupMembership, Member, Role, Seq, UserId};

use super::SqliteStore;
use super::error::failed;
use super::memberships::{MembershipRow, group, membership, role};
use super::rows::{group_id, integer, milliseconds, seq, size, user, user_id};
use super::store::WriteTransaction;
use crate::sql::from_row;

/// Who joined or left lately. The pluses keep SQLite from walking through all changes by their key.
pub(super) const READ_CHANGED: &str = "SELECT groupid, userid FROM GroupChange
     WHERE changed_at >= CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1
       AND (+groupid, userid) > (?2, ?3)
     ORDER BY +groupid, userid LIMIT ?4";

/// What decides whether a user can join a group.
struct BeforeJoining {
    has_user: bool,
    groups: i64,
    members: Option<i64>,
    last_seq: i64,
}

from_row!(BeforeJoining {
    has_user,
    groups,
    members,
    last_seq
});

#[async_trait]
impl GroupStore for SqliteStore {
    async fn create_group(&self, new: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError> {
        let key = new.name.key();
        let mut transaction = self.begin().await?;
        let (is_id_taken, is_name_taken, has_creator, groups): (bool, bool, bool, i64) = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM AllGroup WHERE id = ?3),
                    EXISTS (SELECT 1 FROM AllGroup WHERE name_key = ?1),
                    EXISTS (SELECT 1 FROM User WHERE id = ?2),
                    (SELECT COUNT(*) FROM GroupUser WHERE userid = ?2)",
        )
        .bind(key.as_str())
        .bind(integer(new.creator.get()))
        .bind(new.id.map(|id| integer(id.get())))
        .fetch_one(transaction.connection())
        .await
        .map_err(failed("could not read a group"))?;
        if is_id_taken {
            return Ok(CreateGroup::IdTaken);
        }
        if is_name_taken {
            return Ok(CreateGroup::NameTaken);
        }
        if !has_creator {
            return Ok(CreateGroup::NoSuchUser);
        }
        if groups >= size(limit) {
            return Ok(CreateGroup::TooMany);
        }
        let id = insert_group(&mut transaction, new).await?;
        insert_member(&mut transaction, id, new.creator, Role::Creator, Seq::ZERO).await?;
        let made = membership(transaction.connection(), id, new.creator).await?;
        let made = made.ok_or_else(|| BackendError::broken("a new group has no creator"))?;
        transaction.commit().await?;
        Ok(CreateGroup::Created(made))
    }

    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError> {
        let mut transaction = self.begin().await?;
        let before: BeforeJoining = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM User WHERE id = ?2) AS has_user,
                    (SELECT COUNT(*) FROM GroupUser WHERE userid = ?2) AS groups,
                    (SELECT members FROM AllGroup WHERE id = ?1) AS members,
                    COALESCE((SELECT last_seq FROM Conversation WHERE groupid = ?1), 0) AS last_seq",
        )
        .bind(integer(group.get()))
        .bind(integer(user.get()))
        .fetch_one(transaction.connection())
        .await
        .map_err(failed("could not read a group"))?;
        let Some(members) = before.members.filter(|_| before.has_user) else {
            return Ok(JoinGroup::NotFound);
        };
        if let Some(existing) = membership(transaction.connection(), group, user).await? {
            return Ok(JoinGroup::AlreadyMember(existing));
        }
        if before.groups >= size(groups_limit) || members >= size(members_limit) {
            return Ok(JoinGroup::TooMany);
        }
        insert_member(&mut transaction, group, user, Role::Normal, seq(before.last_seq)?).await?;
        let joined = membership(transaction.connection(), group, user).await?;
        let joined = joined.ok_or_else(|| BackendError::broken("a new member is none"))?;
        transaction.commit().await?;
        Ok(JoinGroup::Joined(joined))
    }

    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError> {
        let mut transaction = self.begin().await?;
        let removed = sqlx::query("DELETE FROM GroupUser WHERE groupid = ?1 AND userid = ?2")
            .bind(integer(group.get()))
            .bind(integer(user.get()))
            .execute(transaction.connection())
            .await
            .map_err(failed("could not remove a member"))?;
        if removed.rows_affected() == 0 {
            let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM AllGroup WHERE id = ?1)")
                .bind(integer(group.get()))
                .fetch_one(transaction.connection())
                .await
                .map_err(failed("could not read a group"))?;
            return Ok(if exists {
                LeaveGroup::WasNoMember
            } else {
                LeaveGroup::NoSuchGroup
            });
        }
        note_change(&mut transaction, group, user, -1).await?;
        transaction.commit().await?;
        Ok(LeaveGroup::Left)
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>, BackendError> {
        let row = sqlx::query_as("SELECT id, groupname, groupdesc, members FROM AllGroup WHERE id = ?1")
            .bind(integer(id.get()))
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("could not read a group"))?;
        row.map(group).transpose()
    }

    async fn membership(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMembership>, BackendError> {
        membership(&self.readers, group, user).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError> {
        let rows: Vec<MembershipRow> = sqlx::query_as(
            "SELECT g.id AS groupid, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq
               FROM GroupUser m JOIN AllGroup g ON g.id = m.groupid
              WHERE m.userid = ?1 ORDER BY m.groupid",
        )
        .bind(integer(user.get()))
        .fetch_all(&self.readers)
        .await
        .map_err(failed("could not read groups"))?;
        rows.into_iter().map(MembershipRow::into_membership).collect()
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT u.id, u.name, m.grouprole
               FROM GroupUser m JOIN User u ON u.id = m.userid
              WHERE m.groupid = ?1 AND m.userid > ?2 ORDER BY m.userid LIMIT ?3",
        )
        .bind(integer(group.get()))
        .bind(after.map_or(0, |user| integer(user.get())))
        .bind(size(limit))
        .fetch_all(&self.readers)
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

    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError> {
        let (group, user) = after.map_or((0, 0), |(group, user)| {
            (integer(group.get()), integer(user.get()))
        });
        let rows: Vec<(i64, i64)> = sqlx::query_as(READ_CHANGED)
            .bind(milliseconds(window))
            .bind(group)
            .bind(user)
            .bind(size(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("could not read changed memberships"))?;
        let pairs = rows
            .into_iter()
            .map(|(group, user)| Ok((group_id(group)?, user_id(user)?)));
        pairs.collect()
    }
}

async fn insert_group(transaction: &mut WriteTransaction, new: &NewGroup) -> Result<GroupId, BackendError> {
    // SQLite chooses the id where it is NULL.
    let id = sqlx::query_scalar(
        "INSERT INTO AllGroup (id, groupname, groupdesc, name_key) VALUES (?4, ?1, ?2, ?3) RETURNING id",
    )
    .bind(new.name.as_str())
    .bind(new.description.as_str())
    .bind(new.name.key().as_str())
    .bind(new.id.map(|id| integer(id.get())))
    .fetch_one(transaction.connection())
    .await
    .map_err(failed("could not store a group"))?;
    group_id(id)
}

async fn insert_member(
    transaction: &mut WriteTransaction,
    group: GroupId,
    user: UserId,
    role: Role,
    joined_seq: Seq,
) -> Result<(), BackendError> {
    sqlx::query("INSERT INTO GroupUser (groupid, userid, grouprole, joined_seq) VALUES (?1, ?2, ?3, ?4)")
        .bind(integer(group.get()))
        .bind(integer(user.get()))
        .bind(role.as_str())
        .bind(integer(joined_seq.get()))
        .execute(transaction.connection())
        .await
        .map_err(failed("could not store a member"))?;
    note_change(transaction, group, user, 1).await
}

/// Keeps the count of members and the list of changes in step with `GroupUser`.
async fn note_change(
    transaction: &mut WriteTransaction,
    group: GroupId,
    user: UserId,
    added_members: i64,
) -> Result<(), BackendError> {
    sqlx::query("UPDATE AllGroup SET members = members + ?2 WHERE id = ?1")
        .bind(integer(group.get()))
        .bind(added_members)
        .execute(transaction.connection())
        .await
        .map_err(failed("could not count members"))?;
    sqlx::query(
        "INSERT INTO GroupChange (groupid, userid, changed_at)
         VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000 AS INTEGER))
         ON CONFLICT (groupid, userid) DO UPDATE SET changed_at = excluded.changed_at",
    )
    .bind(integer(group.get()))
    .bind(integer(user.get()))
    .execute(transaction.connection())
    .await
    .map_err(failed("could not note a change of members"))?;
    Ok(())
}
