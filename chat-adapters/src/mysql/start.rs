//! What a session begins with.

use chat_core::BackendError;
use chat_core::ports::SessionStart;
use chat_core::types::{Device, UserId};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use crate::sql::rows::{integer, size};
use crate::sql::start::{StartRow, session_start};

/// Friends, memberships and positions in direct conversations, which are read from where a page of positions reads
/// them too.
const READ_START: &str =
    "SELECT 'friend' AS kind, u.id, u.name AS groupname, '' AS groupdesc, 0 AS members, '' AS grouprole,
            0 AS joined_seq, 0 AS last_seq, 0 AS acked_seq
       FROM Friend f STRAIGHT_JOIN User u ON u.id = f.friendid WHERE f.userid = ?
     UNION ALL
     SELECT 'group', g.id, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq, 0, 0
       FROM GroupUser m STRAIGHT_JOIN AllGroup g ON g.id = m.groupid WHERE m.userid = ?
     UNION ALL
     SELECT 'direct', p.other, '', '', 0, '', 0, p.last_seq, COALESCE(d.acked_seq, 0)
       FROM ((SELECT id, last_seq, low_user, high_user, low_user AS other
                FROM Conversation
               WHERE high_user = ? AND low_user < ? AND last_seq > 0
               ORDER BY low_user LIMIT ?)
             UNION ALL
             (SELECT id, last_seq, low_user, high_user, high_user
                FROM Conversation
               WHERE low_user = ? AND last_seq > 0
               ORDER BY high_user LIMIT ?)
             ORDER BY low_user, high_user LIMIT ?) p
       LEFT JOIN DeviceCursor d ON d.userid = ? AND d.conversation = p.id AND d.device = ?";

/// What a session begins with; the port's method says what that is.
pub(super) async fn read(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<SessionStart, BackendError> {
    store
        .call(|mut session| async move { (read_start(&mut session, user, device, limit).await, session) })
        .await
}

async fn read_start(
    session: &mut Session,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<SessionStart, CallError> {
    let (id, limit) = (integer(user.get()), size(limit));
    let rows: Vec<StartRow> = sqlx::query_as(READ_START)
        .bind(id)
        .bind(id)
        .bind(id)
        .bind(id)
        .bind(limit)
        .bind(id)
        .bind(limit)
        .bind(limit)
        .bind(id)
        .bind(device.as_str())
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read what a session begins with"))?;
    Ok(session_start(user, rows)?)
}
