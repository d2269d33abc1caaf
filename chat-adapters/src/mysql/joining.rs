//! Joining and leaving a group.

use chat_core::BackendError;
use chat_core::ports::{JoinGroup, LeaveGroup};
use chat_core::types::{ConversationId, GroupId, Role, Seq, UserId};

use super::error::{CallError, failed};
use super::memberships::{insert_member, membership, note_change};
use super::session::Session;
use super::users;
use crate::sql::rows::{integer, seq, size};

/// Makes a user a member; the port's method says what it answers.
pub(super) async fn join(
    session: &mut Session,
    group: GroupId,
    user: UserId,
    groups_limit: usize,
    members_limit: usize,
) -> Result<JoinGroup, CallError> {
    session.begin().await?;
    if users::lock(session, user, user).await? == 0 {
        return Ok(JoinGroup::NotFound);
    }
    let Some(last_seq) = lock_group(session, group).await? else {
        return Ok(JoinGroup::NotFound);
    };
    if let Some(existing) = membership(session, group, user).await? {
        return Ok(JoinGroup::AlreadyMember(existing));
    }
    let (groups, members): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM GroupUser WHERE userid = ?),
                (SELECT members FROM AllGroup WHERE id = ?)",
    )
    .bind(integer(user.get()))
    .bind(integer(group.get()))
    .fetch_one(session.connection())
    .await
    .map_err(failed("could not count members"))?;
    if groups >= size(groups_limit) || members >= size(members_limit) {
        return Ok(JoinGroup::TooMany);
    }
    insert_member(session, group, user, Role::Normal, last_seq).await?;
    let joined = membership(session, group, user).await?;
    let joined = joined.ok_or_else(|| BackendError::broken("a new member is none"))?;
    session.commit().await?;
    Ok(JoinGroup::Joined(joined))
}

/// Ends a membership; the port's method says what it answers.
pub(super) async fn leave(
    session: &mut Session,
    group: GroupId,
    user: UserId,
) -> Result<LeaveGroup, CallError> {
    session.begin().await?;
    if lock_group(session, group).await?.is_none() {
        return Ok(LeaveGroup::NoSuchGroup);
    }
    let removed = sqlx::query("DELETE FROM GroupUser WHERE groupid = ? AND userid = ?")
        .bind(integer(group.get()))
        .bind(integer(user.get()))
        .execute(session.connection())
        .await
        .map_err(failed("could not remove a member"))?;
    if removed.rows_affected() == 0 {
        return Ok(LeaveGroup::WasNoMember);
    }
    note_change(session, group, user, -1).await?;
    session.commit().await?;
    Ok(LeaveGroup::Left)
}

/// Locks a group's conversation, which is there as long as the group is, and answers how far it has
/// come; `None` where there is no such group.
async fn lock_group(session: &mut Session, group: GroupId) -> Result<Option<Seq>, CallError> {
    let last_seq: Option<i64> =
        sqlx::query_scalar("SELECT last_seq FROM Conversation WHERE id = ? FOR UPDATE")
            .bind(ConversationId::group(group).to_string())
            .fetch_optional(session.connection())
            .await
            .map_err(failed("could not lock a group"))?;
    Ok(last_seq.map(seq).transpose()?)
}
