//! What a session begins with.

use chat_core::BackendError;
use chat_core::ports::SessionStart;
use chat_core::types::{Device, UserId};

use super::SqliteStore;
use super::error::failed;
use super::rows::{integer, size};
use crate::sql::start::session_start;

/// Friends, memberships and positions in direct conversations, which are read from where a page of positions reads
/// them too.
pub(super) const READ_START: &str =
    "SELECT 'friend' AS kind, u.id, u.name AS groupname, '' AS groupdesc, 0 AS members, '' AS grouprole,
           0 AS joined_seq, 0 AS last_seq, 0 AS acked_seq
      FROM Friend f CROSS JOIN User u ON u.id = f.friendid WHERE f.userid = ?1
    UNION ALL
    SELECT 'group', g.id, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq, 0, 0
      FROM GroupUser m CROSS JOIN AllGroup g ON g.id = m.groupid WHERE m.userid = ?1
    UNION ALL
    SELECT 'direct', p.other, '', '', 0, '', 0, p.last_seq, COALESCE(d.acked_seq, 0)
      FROM (SELECT * FROM (SELECT id, last_seq, low_user, high_user, low_user AS other
                             FROM Conversation
                            WHERE high_user = ?1 AND low_user < ?1
                            ORDER BY low_user LIMIT ?3)
            UNION ALL
            SELECT * FROM (SELECT id, last_seq, low_user, high_user, high_user
                             FROM Conversation
                            WHERE low_user = ?1
                            ORDER BY high_user LIMIT ?3)
            ORDER BY low_user, high_user LIMIT ?3) p
      LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = p.id AND d.device = ?2";

/// What a session begins with; the port's method says what that is.
pub(super) async fn read(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    limit: usize,
) -> Result<SessionStart, BackendError> {
    let rows = sqlx::query_as(READ_START)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .bind(size(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read what a session begins with"))?;
    session_start(user, rows)
}
