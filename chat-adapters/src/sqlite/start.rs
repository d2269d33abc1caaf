//! What a session begins with.

use chat_core::BackendError;
use chat_core::ports::SessionStart;
use chat_core::types::{Device, UserId};

use super::SqliteStore;
use super::error::failed;
use super::rows::{integer, size};
use crate::sql::start::session_start;

/// Friends, memberships, positions in direct conversations, which are read from where a page of positions reads them
/// too, and messages that are new there, conversation by conversation until they are as many as are asked for.
pub(super) const READ_START: &str =
    "WITH place AS MATERIALIZED (
      SELECT p.*, COALESCE(d.acked_seq, 0) AS acked_seq
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
        LEFT JOIN DeviceCursor d ON d.userid = ?1 AND d.conversation = p.id AND d.device = ?2
    ), due AS MATERIALIZED (
      SELECT id, acked_seq, last_seq - acked_seq AS behind,
             SUM(last_seq - acked_seq) OVER (ORDER BY low_user, high_user ROWS UNBOUNDED PRECEDING)
                 - (last_seq - acked_seq) AS earlier
        FROM place WHERE last_seq > acked_seq
    )
    SELECT 'friend' AS kind, u.id AS sender, u.name, NULL AS groupid, NULL AS groupname, NULL AS groupdesc,
           NULL AS members, NULL AS grouprole, NULL AS joined_seq, NULL AS last_seq, NULL AS acked_seq,
           NULL AS conversation, NULL AS seq, NULL AS id, NULL AS id_origin, NULL AS body, NULL AS data, NULL AS at
      FROM Friend f CROSS JOIN User u ON u.id = f.friendid WHERE f.userid = ?1
    UNION ALL
    SELECT 'group', NULL, NULL, g.id, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq, NULL, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM GroupUser m CROSS JOIN AllGroup g ON g.id = m.groupid WHERE m.userid = ?1
    UNION ALL
    SELECT 'direct', other, NULL, NULL, NULL, NULL, NULL, NULL, NULL, last_seq, acked_seq,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM place
    UNION ALL
    SELECT 'message', m.sender, u.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           m.conversation, m.seq, m.id, m.id_origin, m.body, m.data, m.at
      FROM due
     CROSS JOIN Message m ON m.conversation = due.id AND m.seq > due.acked_seq
                         AND m.seq <= due.acked_seq + MIN(due.behind, ?4 - due.earlier)
     CROSS JOIN User u ON u.id = m.sender
     WHERE due.earlier < ?4";

/// What a session begins with; the port's method says what that is.
pub(super) async fn read(
    store: &SqliteStore,
    user: UserId,
    device: &Device,
    positions_limit: usize,
    messages_limit: usize,
) -> Result<SessionStart, BackendError> {
    let rows = sqlx::query_as(READ_START)
        .bind(integer(user.get()))
        .bind(device.as_str())
        .bind(size(positions_limit))
        .bind(size(messages_limit))
        .fetch_all(&store.readers)
        .await
        .map_err(failed("could not read what a session begins with"))?;
    session_start(user, positions_limit, rows)
}
