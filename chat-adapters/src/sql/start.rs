//! What a session begins with, as its rows hold it.

use chat_core::BackendError;
use chat_core::ports::{Position, SessionStart};
use chat_core::types::{ConversationId, UserId};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::memberships::MembershipRow;
use super::rows::{MessageRow, bad_column, seq, user, user_id};

/// One of the things that a session begins with. All kinds share their columns, and a row fills those of its kind.
pub(crate) enum StartRow {
    /// Another user and their name.
    Friend(i64, String),
    Group(MembershipRow),
    /// Where the device stands in the direct conversation with another user.
    Direct {
        other: i64,
        last_seq: i64,
        acked_seq: i64,
    },
    Message(MessageRow),
    Unknown,
}

impl<'r, R> FromRow<'r, R> for StartRow
where
    R: Row,
    &'static str: ColumnIndex<R>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let kind: String = row.try_get("kind")?;
        Ok(match kind.as_str() {
            "friend" => Self::Friend(row.try_get("sender")?, row.try_get("name")?),
            "group" => Self::Group(MembershipRow::from_row(row)?),
            "direct" => Self::Direct {
                other: row.try_get("sender")?,
                last_seq: row.try_get("last_seq")?,
                acked_seq: row.try_get("acked_seq")?,
            },
            "message" => Self::Message(MessageRow::from_row(row)?),
            _ => Self::Unknown,
        })
    }
}

/// What a session of a user begins with: each kind of rows in the order of its ids, with the first of the positions and
/// the messages that belong to them.
pub(crate) fn session_start(
    of: UserId,
    positions_limit: usize,
    rows: Vec<StartRow>,
) -> Result<SessionStart, BackendError> {
    let mut start = SessionStart::default();
    let SessionStart {
        contacts,
        positions,
        messages,
    } = &mut start;
    for row in rows {
        match row {
            StartRow::Friend(id, name) => contacts.friends.push(user((id, name))?),
            StartRow::Group(membership) => contacts.memberships.push(membership.into_membership()?),
            StartRow::Direct {
                other,
                last_seq,
                acked_seq,
            } => positions.push(Position {
                conversation: ConversationId::direct(of, user_id(other)?),
                last_seq: seq(last_seq)?,
                acked_seq: seq(acked_seq)?,
            }),
            StartRow::Message(message) => messages.push(message.into_message()?),
            StartRow::Unknown => return Err(bad_column("kind")),
        }
    }
    contacts.friends.sort_unstable_by_key(|friend| friend.id);
    contacts
        .memberships
        .sort_unstable_by_key(|membership| membership.group.id);
    positions.sort_unstable_by_key(|position| position.conversation);
    positions.truncate(positions_limit);
    messages.sort_unstable_by_key(|message| (message.conversation, message.seq));
    let last = positions.last().map(|position| position.conversation);
    messages.retain(|message| Some(message.conversation) <= last);
    Ok(start)
}
