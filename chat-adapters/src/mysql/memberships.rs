//! The rows of a membership.

use chat_core::types::{GroupId, GroupMembership, Role, Seq, UserId};

use super::clock::now;
use super::error::{CallError, failed};
use super::session::Session;
use crate::sql::memberships::MembershipRow;
use crate::sql::rows::integer;

/// A membership; `None` where the user is no member.
pub(super) async fn membership(
    session: &mut Session,
    group: GroupId,
    user: UserId,
) -> Result<Option<GroupMembership>, CallError> {
    let row: Option<MembershipRow> = sqlx::query_as(
        "SELECT g.id AS groupid, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq
           FROM GroupUser m JOIN AllGroup g ON g.id = m.groupid
          WHERE m.groupid = ? AND m.userid = ?",
    )
    .bind(integer(group.get()))
    .bind(integer(user.get()))
    .fetch_optional(session.connection())
    .await
    .map_err(failed("could not read a membership"))?;
    Ok(row.map(MembershipRow::into_membership).transpose()?)
}

/// Adds a member, under the lock of the group's conversation.
pub(super) async fn insert_member(
    session: &mut Session,
    group: GroupId,
    user: UserId,
    role: Role,
    joined_seq: Seq,
) -> Result<(), CallError> {
    sqlx::query("INSERT INTO GroupUser (groupid, userid, grouprole, joined_seq) VALUES (?, ?, ?, ?)")
        .bind(integer(group.get()))
        .bind(integer(user.get()))
        .bind(role.as_str())
        .bind(integer(joined_seq.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not store a member"))?;
    note_change(session, group, user, 1).await
}

/// Keeps the count of members and the list of changes in step with `GroupUser`.
pub(super) async fn note_change(
    session: &mut Session,
    group: GroupId,
    user: UserId,
    added_members: i64,
) -> Result<(), CallError> {
    sqlx::query("UPDATE AllGroup SET members = members + ? WHERE id = ?")
        .bind(added_members)
        .bind(integer(group.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not count members"))?;
    sqlx::query(concat!(
        "INSERT INTO GroupChange (groupid, userid, changed_at) VALUES (?, ?, ",
        now!(),
        ") ON DUPLICATE KEY UPDATE changed_at = VALUES(changed_at)"
    ))
    .bind(integer(group.get()))
    .bind(integer(user.get()))
    .execute(session.connection())
    .await
    .map_err(failed("could not note a change of members"))?;
    Ok(())
}
