//! Positions and heads as their rows hold them.

use chat_core::BackendError;
use chat_core::ports::{ConversationHead, Position};
use chat_core::types::{ConversationId, UserId};

use super::from_row;
use super::rows::{MessageRow, conversation_id, integer, seq};

/// After which ids a page reads each of the three places.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageStart {
    /// The lower id, where the user has the higher one.
    pub(crate) low_user: i64,
    /// The higher id, where the user has the lower one.
    pub(crate) high_user: i64,
    pub(crate) group: i64,
}

impl PageStart {
    pub(crate) fn after(after: Option<ConversationId>, user: UserId) -> Self {
        if let Some(group) = after.and_then(ConversationId::as_group) {
            return Self {
                low_user: i64::MAX,
                high_user: i64::MAX,
                group: integer(group.get()),
            };
        }
        let Some((low, high)) = after.and_then(ConversationId::users) else {
            return Self {
                low_user: 0,
                high_user: 0,
                group: 0,
            };
        };
        let low_user = integer(low.get());
        Self {
            // `d:LOW:USER` itself still comes where the page begins before it at `d:LOW:…`.
            low_user: if high < user { low_user - 1 } else { low_user },
            high_user: match low.cmp(&user) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => integer(high.get()),
                std::cmp::Ordering::Greater => i64::MAX,
            },
            group: 0,
        }
    }
}

/// A head: a position and the conversation's last message.
pub(crate) struct HeadRow {
    last_seq: i64,
    acked_seq: i64,
    last_message: MessageRow,
}

from_row!(HeadRow { last_seq, acked_seq; last_message });

impl HeadRow {
    /// Checks every column.
    pub(crate) fn into_head(self) -> Result<ConversationHead, BackendError> {
        Ok(ConversationHead {
            position: position(&self.last_message.conversation, self.last_seq, self.acked_seq)?,
            last_message: self.last_message.into_message()?,
        })
    }
}

/// A row of positions.
pub(crate) fn position(id: &str, last_seq: i64, acked_seq: i64) -> Result<Position, BackendError> {
    Ok(Position {
        conversation: conversation_id(id)?,
        last_seq: seq(last_seq)?,
        acked_seq: seq(acked_seq)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_right_after_its_conversation_in_each_place() {
        let five = UserId::new(5).unwrap();
        for (after, low_user, high_user, group) in [
            (None, 0, 0, 0),
            (Some("d:2:4"), 1, 0, 0),
            (Some("d:2:5"), 2, 0, 0),
            (Some("d:2:6"), 2, 0, 0),
            (Some("d:5:5"), 5, 5, 0),
            (Some("d:5:9"), 5, 9, 0),
            (Some("d:6:7"), 6, i64::MAX, 0),
            (Some("g:3"), i64::MAX, i64::MAX, 3),
        ] {
            let start = PageStart {
                low_user,
                high_user,
                group,
            };
            let after = after.map(|id| id.parse().unwrap());
            assert_eq!(PageStart::after(after, five), start, "{after:?}");
        }
    }
}
