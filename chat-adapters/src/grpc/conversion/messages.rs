//! Messages and the conversations they are in.

use std::time::Duration;

use chat_core::ports::{Appended, ConversationHead, MessageRange, NewMessage, SendPolicy};
use chat_core::types::{ConversationId, Device, Message, MessageIdOrigin, Seq, UserId};

use super::super::proto;
use super::super::proto::appended::Outcome;
use super::wire::{Invalid, Wire, known, message, needed, read, record, words};

words!(MessageIdOrigin { Client, Node });
words!(SendPolicy {
    Anyone,
    Friends,
    System
});
record!(Message as Message { conversation, seq, from, id, id_origin, body, data, at });
record!(NewMessage as NewMessage { conversation, sender, id, id_origin, body, data, at, policy });
record!(ConversationHead as ConversationHead { position, last_message });
needed!(Message as Message);

message!(AppendRequest(messages: Vec<NewMessage>));
message!(AppendResponse(appended: Vec<Appended>));
message!(ReadAfterRequest(conversation: ConversationId, after: Seq, limit: usize));
message!(ReadAfterResponse(messages: Vec<Message>));
record!(MessageRange as MessageRange { conversation, after, limit });
message!(ReadRangesRequest(ranges: Vec<MessageRange>));
message!(ReadRangesResponse(messages: Vec<Message>));
message!(ReadBeforeRequest(conversation: ConversationId, before: Option<Seq>, limit: usize));
message!(ReadBeforeResponse(messages: Vec<Message>));
message!(HeadsRequest(user: UserId, device: Device, limit: usize));
message!(HeadsResponse(heads: Vec<ConversationHead>));
message!(ConversationEnd(conversation: ConversationId, last_seq: Seq));
message!(ChangedConversationsRequest(window_ms: Duration, after: Option<ConversationId>, limit: usize));
message!(ChangedConversationsResponse(changed: Vec<(ConversationId, Seq)>));

impl Wire<proto::Appended> for Appended {
    fn to_wire(&self) -> proto::Appended {
        let (outcome, seq, at) = match self {
            Self::Stored { seq } => (Outcome::Stored, seq.to_wire(), 0),
            Self::Duplicate { seq, at } => (Outcome::Duplicate, seq.to_wire(), at.to_wire()),
            Self::NotMember => (Outcome::NotMember, 0, 0),
            Self::NotFriends => (Outcome::NotFriends, 0, 0),
            Self::NotFound => (Outcome::NotFound, 0, 0),
        };
        proto::Appended {
            outcome: outcome.into(),
            seq,
            at,
            ..Default::default()
        }
    }

    fn from_wire(message: proto::Appended) -> Result<Self, Invalid> {
        let seq = read(message.seq, "seq")?;
        Ok(match known(message.outcome, message.fallback) {
            Outcome::Stored => Self::Stored { seq },
            Outcome::Duplicate => Self::Duplicate {
                seq,
                at: read(message.at, "at")?,
            },
            Outcome::NotMember => Self::NotMember,
            Outcome::NotFriends => Self::NotFriends,
            Outcome::NotFound => Self::NotFound,
            Outcome::Unspecified => return Err(Invalid::unknown("outcome")),
        })
    }
}
