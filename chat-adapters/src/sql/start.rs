//! What a session begins with, as its rows hold it.

use chat_core::BackendError;
use chat_core::ports::{Position, SessionStart};
use chat_core::types::{ConversationId, UserId};

use super::from_row;
use super::memberships::MembershipRow;
use super::rows::{bad_column, seq, user, user_id};

/// A friend, who has an id and a name; a membership; or where the device stands in the direct conversation with
/// another user, who has an id.
pub(crate) struct StartRow {
    kind: String,
    membership: MembershipRow,
    last_seq: i64,
    acked_seq: i64,
}

from_row!(StartRow { kind, last_seq, acked_seq; membership });

/// What a session of a user begins with: each kind of rows in the order of its ids.
pub(crate) fn session_start(of: UserId, rows: Vec<StartRow>) -> Result<SessionStart, BackendError> {
    let SessionStart {
        mut contacts,
        mut positions,
    } = SessionStart::default();
    for row in rows {
        let membership = row.membership;
        match row.kind.as_str() {
            "friend" => contacts
                .friends
                .push(user((membership.id, membership.groupname))?),
            "group" => contacts.memberships.push(membership.into_membership()?),
            "direct" => positions.push(Position {
                conversation: ConversationId::direct(of, user_id(membership.id)?),
                last_seq: seq(row.last_seq)?,
                acked_seq: seq(row.acked_seq)?,
            }),
            _ => return Err(bad_column("kind")),
        }
    }
    contacts.friends.sort_unstable_by_key(|friend| friend.id);
    contacts
        .memberships
        .sort_unstable_by_key(|membership| membership.group.id);
    positions.sort_unstable_by_key(|position| position.conversation);
    Ok(SessionStart { contacts, positions })
}
