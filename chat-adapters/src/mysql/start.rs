//! What a session begins with.

use chat_core::BackendError;
use chat_core::ports::SessionStart;
use chat_core::types::{Device, UserId};

use super::MySqlStore;
use super::error::{CallError, failed};
use super::session::Session;
use crate::sql::rows::{integer, size};
use crate::sql::start::{StartRow, session_start};

/// As many messages as come at most: `due` is as deep as the messages of one conversation are many, and servers allow a depth of 1,000.
const MOST_MESSAGES: usize = 512;

/// Friends, memberships, positions in direct conversations, which are read from where a page of positions reads them too, and
/// messages that are new there.
///
/// MariaDB reads a table of `WITH` for each place where it is named, but a recursive one only once; so `place` calls itself,
/// and finds nothing more. `due` counts the messages that are new, conversation by conversation, until they are as many as
/// are asked for, and names each: no server reads a range of each conversation otherwise, without reading the conversation.
const READ_START: &str = "WITH RECURSIVE place AS (
       SELECT id, other, low_user, high_user, last_seq, acked_seq
         FROM ((SELECT c.id, c.low_user AS other, c.low_user, c.high_user, c.last_seq, COALESCE(d.acked_seq, 0) AS acked_seq
                  FROM Conversation c
                  LEFT JOIN DeviceCursor d ON d.userid = ? AND d.conversation = c.id AND d.device = ?
                 WHERE c.high_user = ? AND c.low_user < ? AND c.last_seq > 0
                 ORDER BY c.low_user LIMIT ?)
               UNION ALL
               (SELECT c.id, c.high_user, c.low_user, c.high_user, c.last_seq, COALESCE(d.acked_seq, 0)
                  FROM Conversation c
                  LEFT JOIN DeviceCursor d ON d.userid = ? AND d.conversation = c.id AND d.device = ?
                 WHERE c.low_user = ? AND c.last_seq > 0
                 ORDER BY c.high_user LIMIT ?)) p
        UNION ALL
       SELECT id, other, low_user, high_user, last_seq, acked_seq FROM place WHERE last_seq < 0
     ), due AS (
       SELECT id, acked_seq + 1 AS seq, acked_seq + CAST(LEAST(behind, ? - earlier) AS SIGNED) AS end_seq
         FROM (SELECT id, acked_seq, last_seq - acked_seq AS behind,
                      SUM(last_seq - acked_seq) OVER (ORDER BY low_user, high_user ROWS UNBOUNDED PRECEDING)
                          - (last_seq - acked_seq) AS earlier
                 FROM place WHERE last_seq > acked_seq) b
        WHERE earlier < ?
        UNION ALL
       SELECT id, seq + 1, end_seq FROM due WHERE seq < end_seq
     )
     SELECT 'friend' AS kind, u.id AS sender, u.name, NULL AS groupid, NULL AS groupname, NULL AS groupdesc,
            NULL AS members, NULL AS grouprole, NULL AS joined_seq, NULL AS last_seq, NULL AS acked_seq,
            NULL AS conversation, NULL AS seq, NULL AS id, NULL AS id_origin, NULL AS body, NULL AS data, NULL AS at
       FROM Friend f STRAIGHT_JOIN User u ON u.id = f.friendid WHERE f.userid = ?
     UNION ALL
     SELECT 'group', NULL, NULL, g.id, g.groupname, g.groupdesc, g.members, m.grouprole, m.joined_seq, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL
       FROM GroupUser m STRAIGHT_JOIN AllGroup g ON g.id = m.groupid WHERE m.userid = ?
     UNION ALL
     SELECT 'direct', other, NULL, NULL, NULL, NULL, NULL, NULL, NULL, last_seq, acked_seq,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL
       FROM place
     UNION ALL
     SELECT 'message', m.sender, u.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            m.conversation, m.seq, m.id, m.id_origin, m.body, m.data, m.at
       FROM due
       STRAIGHT_JOIN Message m ON m.conversation = due.id AND m.seq = due.seq
       STRAIGHT_JOIN User u ON u.id = m.sender";

/// What a session begins with; the port's method says what that is.
pub(super) async fn read(
    store: &MySqlStore,
    user: UserId,
    device: &Device,
    positions_limit: usize,
    messages_limit: usize,
) -> Result<SessionStart, BackendError> {
    let messages_limit = messages_limit.min(MOST_MESSAGES);
    let rows = store
        .call(|mut session| async move {
            let rows = read_rows(&mut session, user, device, positions_limit, messages_limit).await;
            (rows, session)
        })
        .await?;
    session_start(user, positions_limit, rows)
}

async fn read_rows(
    session: &mut Session,
    user: UserId,
    device: &Device,
    positions_limit: usize,
    messages_limit: usize,
) -> Result<Vec<StartRow>, CallError> {
    let (id, device) = (integer(user.get()), device.as_str());
    let (positions, messages) = (size(positions_limit), size(messages_limit));
    sqlx::query_as(READ_START)
        .bind(id)
        .bind(device)
        .bind(id)
        .bind(id)
        .bind(positions)
        .bind(id)
        .bind(device)
        .bind(id)
        .bind(positions)
        .bind(messages)
        .bind(messages)
        .bind(id)
        .bind(id)
        .fetch_all(session.connection())
        .await
        .map_err(failed("could not read what a session begins with"))
}
