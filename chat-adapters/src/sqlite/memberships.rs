//! Groups and memberships as their rows hold them.

use chat_core::BackendError;
use chat_core::types::{Description, Group, GroupId, GroupMembership, GroupName, Role, UserId};

use super::error::failed;
use super::rows::{bad_column, count, group_id, integer, seq};

/// A group with one of its memberships.
#[derive(sqlx::FromRow)]
pub(super) struct MembershipRow {
    id: i64,
    groupname: String,
    groupdesc: String,
    members: i64,
    grouprole: String,
    joined_seq: i64,
}

impl MembershipRow {
    pub(super) fn into_membership(self) -> Result<GroupMembership, BackendError> {
        Ok(GroupMembership {
            group: group((self.id, self.groupname, self.groupdesc, self.members))?,
            role: role(&self.grouprole)?,
            joined_seq: seq(self.joined_seq)?,
        })
    }
}

/// A membership; `None` where the user is no member.
pub(super) async fn membership<'c, E>(
    executor: E,
    group: GroupId,
    user: UserId,
) -> Result<Option<GroupMembership>, BackendError>
where
    E: sqlx::Executor<'c, Database = sqlx::Sqlite>,
{
    let row: Option<MembershipRow> = sqlx::query_as(
        "SELECT g.id, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq
           FROM GroupUser m JOIN AllGroup g ON g.id = m.groupid
          WHERE m.groupid = ?1 AND m.userid = ?2",
    )
    .bind(integer(group.get()))
    .bind(integer(user.get()))
    .fetch_optional(executor)
    .await
    .map_err(failed("could not read a membership"))?;
    row.map(MembershipRow::into_membership).transpose()
}

/// A stored group.
pub(super) fn group(
    (id, name, description, members): (i64, String, String, i64),
) -> Result<Group, BackendError> {
    Ok(Group {
        id: group_id(id)?,
        name: GroupName::parse(&name).map_err(|_| bad_column("group name"))?,
        description: Description::parse(&description).map_err(|_| bad_column("group description"))?,
        members: count("count of members", members)?,
    })
}

/// A stored role.
pub(super) fn role(word: &str) -> Result<Role, BackendError> {
    Role::from_word(word).ok_or_else(|| bad_column("role"))
}
