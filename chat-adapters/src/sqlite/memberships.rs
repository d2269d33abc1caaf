//! Groups and memberships as their rows hold them.

use chat_core::BackendError;
use chat_core::types::{GroupId, GroupMembership, UserId};

use super::error::failed;
use super::rows::integer;
pub(super) use crate::sql::memberships::*;

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
        "SELECT g.id AS groupid, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq
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
