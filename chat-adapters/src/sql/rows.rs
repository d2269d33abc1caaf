//! Between the domain's types and the columns that hold them.

use std::time::Duration;

use chat_core::ports::MessageRange;
use chat_core::types::{
    Body, ConversationId, Data, GroupId, Message, MessageId, MessageIdOrigin, Seq, User, UserId, UserName,
};
use chat_core::{BackendError, Timestamp};

use super::from_row;

/// An id, seq, time or count as SQL's integer. The domain's integers have 53 bits.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A page's size as SQL's integer.
pub(crate) fn size(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The last number of a range of messages.
pub(crate) fn range_end(range: &MessageRange) -> i64 {
    integer(range.after.get()).saturating_add(size(range.limit))
}

/// A duration as SQL's integer.
pub(crate) fn milliseconds(value: Duration) -> i64 {
    i64::try_from(value.as_millis()).unwrap_or(i64::MAX)
}

/// A column that holds what the domain does not allow.
pub(crate) fn bad_column(column: &'static str) -> BackendError {
    BackendError::broken(format!("a stored row has a bad {column}"))
}

/// A stored integer that cannot be negative.
pub(crate) fn count(column: &'static str, value: i64) -> Result<u64, BackendError> {
    u64::try_from(value).map_err(|_| bad_column(column))
}

/// A stored user id.
pub(crate) fn user_id(value: i64) -> Result<UserId, BackendError> {
    UserId::new(count("userid", value)?).map_err(|_| bad_column("userid"))
}

/// A stored group id.
pub(crate) fn group_id(value: i64) -> Result<GroupId, BackendError> {
    GroupId::new(count("groupid", value)?).map_err(|_| bad_column("groupid"))
}

/// A stored seq.
pub(crate) fn seq(value: i64) -> Result<Seq, BackendError> {
    Seq::new(count("seq", value)?).map_err(|_| bad_column("seq"))
}

/// A stored time.
pub(crate) fn timestamp(value: i64) -> Result<Timestamp, BackendError> {
    Ok(Timestamp::from_millis(count("time", value)?))
}

/// A stored conversation id.
pub(crate) fn conversation_id(text: &str) -> Result<ConversationId, BackendError> {
    ConversationId::parse(text).map_err(|_| bad_column("conversation"))
}

/// A stored user.
pub(crate) fn user((id, name): (i64, String)) -> Result<User, BackendError> {
    Ok(User {
        id: user_id(id)?,
        name: UserName::parse(&name).map_err(|_| bad_column("user name"))?,
    })
}

/// The word that `id_origin` holds.
pub(crate) const fn origin_word(origin: MessageIdOrigin) -> &'static str {
    match origin {
        MessageIdOrigin::Client => "client",
        MessageIdOrigin::Node => "node",
    }
}

/// A row of `Message` with its sender's name.
#[derive(Debug)]
pub(crate) struct MessageRow {
    pub(crate) conversation: String,
    seq: i64,
    sender: i64,
    name: String,
    id: String,
    id_origin: String,
    body: String,
    data: Option<String>,
    at: i64,
}

from_row!(MessageRow {
    conversation,
    seq,
    sender,
    name,
    id,
    id_origin,
    body,
    data,
    at
});

impl MessageRow {
    /// Checks every column.
    pub(crate) fn into_message(self) -> Result<Message, BackendError> {
        let data = self.data.as_deref().map(Data::parse).transpose();
        Ok(Message {
            conversation: conversation_id(&self.conversation)?,
            seq: seq(self.seq)?,
            from: user((self.sender, self.name))?,
            id: MessageId::parse(&self.id).map_err(|_| bad_column("message id"))?,
            id_origin: match self.id_origin.as_str() {
                "client" => MessageIdOrigin::Client,
                "node" => MessageIdOrigin::Node,
                _ => return Err(bad_column("message id's origin")),
            },
            body: Body::parse(&self.body).map_err(|_| bad_column("body"))?,
            data: data.map_err(|_| bad_column("data"))?,
            at: timestamp(self.at)?,
        })
    }
}
