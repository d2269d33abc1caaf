//! Frames from servers: a reply, which may carry a `ref`, or an event.

use std::borrow::Cow;
use std::io;

use bytes::buf::BufMut;
use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{ConversationView, Event, MessageView, Reference, Reply};
use crate::types::ConversationId;

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerFrame {
    /// The answer to a request.
    Reply {
        /// The answer.
        reply: Reply,
        /// The `ref` of the request.
        reference: Option<Reference>,
    },
    /// Something told without being asked.
    Event(Event),
}

/// A frame that this client does not know: a newer server's event, or no frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableFrame {
    /// A type that this version does not know; clients ignore it.
    #[error("the frame's type is not known here")]
    UnknownType,
    /// Not JSON, or not of its type's form.
    #[error("the frame is not of the protocol's form")]
    Malformed(#[from] serde_json::Error),
}

/// Where `type` and `ref` stand in a frame.
#[derive(Serialize)]
struct ReplyFrame<'a> {
    #[serde(flatten)]
    reply: &'a Reply,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Reference>,
}

/// The part of a frame that says what the rest is.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "ref", default)]
    reference: Option<Reference>,
}

impl ServerFrame {
    /// Reads a frame without its line end.
    ///
    /// `friend_added` and `friend_removed` are both a reply and an event: with a `ref`, or with
    /// `online` in `user`, they are read as the reply. A client that gives every request a `ref`
    /// can always tell them apart.
    ///
    /// # Errors
    /// [`UnreadableFrame`]; a client ignores types that it does not know.
    pub fn decode(frame: &[u8]) -> Result<Self, UnreadableFrame> {
        let Envelope { kind, reference } = serde_json::from_slice(frame)?;
        let is_event = match &*kind {
            "friend_added" | "friend_removed" => reference.is_none() && !has_online(frame)?,
            "message" | "synced" | "presence" | "member_joined" | "member_left" | "goodbye" => true,
            "registered" | "welcome" | "logged_out" | "sent" | "acked" | "history" | "conversations"
            | "friends" | "group_created" | "group_joined" | "group_left" | "groups" | "members"
            | "user_found" | "pong" | "error" => false,
            _ => return Err(UnreadableFrame::UnknownType),
        };
        if is_event {
            return Ok(Self::Event(decode_event(&kind, frame)?));
        }
        Ok(Self::Reply {
            reply: decode_reply(&kind, frame)?,
            reference,
        })
    }

    /// Writes the frame as JSON without a line end.
    ///
    /// # Errors
    /// Never for frames made of this crate's types; serde asks for it.
    pub fn encode(&self) -> serde_json::Result<Bytes> {
        let mut json = Vec::with_capacity(FRAME_BYTES);
        self.write(&mut json)?;
        Ok(Bytes::from(json))
    }

    fn write(&self, output: impl io::Write) -> serde_json::Result<()> {
        match self {
            Self::Reply { reply, reference } => {
                let reference = reference.as_ref();
                serde_json::to_writer(output, &ReplyFrame { reply, reference })
            }
            Self::Event(event) => serde_json::to_writer(output, event),
        }
    }
}

/// What most frames fit in.
const FRAME_BYTES: usize = 256;
/// How many bytes of frames share a piece of memory.
const PIECE_BYTES: usize = 4_096;

/// Writes frames that go out together into memory that they share: many replies cost one allocation.
///
/// Holds a piece of it until it is [released](Self::release).
#[derive(Debug, Default)]
pub(crate) struct FrameEncoder {
    piece: BytesMut,
}

impl FrameEncoder {
    /// Writes a frame as JSON without a line end.
    pub(crate) fn encode(&mut self, frame: &ServerFrame) -> serde_json::Result<Bytes> {
        if self.piece.capacity() < FRAME_BYTES {
            self.piece = BytesMut::with_capacity(PIECE_BYTES);
        }
        let written = frame.write((&mut self.piece).writer());
        let json = self.piece.split().freeze();
        written.map(|()| json)
    }

    /// Gives the memory back once the frames are gone.
    pub(crate) fn release(&mut self) {
        self.piece = BytesMut::new();
    }
}

/// Whether `user.online` is there, which only the reply has.
fn has_online(frame: &[u8]) -> serde_json::Result<bool> {
    #[derive(Deserialize)]
    struct Frame {
        user: User,
    }
    #[derive(Deserialize)]
    struct User {
        #[serde(default)]
        online: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Frame>(frame).map(|frame| frame.user.online.is_some())
}

// `data` is carried as raw JSON, which serde can only read where the type is known beforehand:
// the three kinds that hold messages are therefore read by name and the others by their tag.

fn decode_event(kind: &str, frame: &[u8]) -> serde_json::Result<Event> {
    match kind {
        "message" => serde_json::from_slice(frame).map(Event::Message),
        _ => serde_json::from_slice(frame),
    }
}

fn decode_reply(kind: &str, frame: &[u8]) -> serde_json::Result<Reply> {
    match kind {
        "history" => serde_json::from_slice(frame).map(
            |HistoryFields {
                 conversation,
                 messages,
                 more,
             }| Reply::History {
                conversation,
                messages,
                more,
            },
        ),
        "conversations" => serde_json::from_slice(frame)
            .map(|ConversationsFields { conversations, more }| Reply::Conversations { conversations, more }),
        _ => serde_json::from_slice(frame),
    }
}

#[derive(Deserialize)]
struct HistoryFields {
    conversation: ConversationId,
    messages: Vec<MessageView>,
    more: bool,
}

#[derive(Deserialize)]
struct ConversationsFields {
    conversations: Vec<ConversationView>,
    #[serde(default)]
    more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server writes, as `docs/protocol.md` gives it.
    const FRAMES: &[&str] = &[
        r#"{"type":"registered","user":{"id":1,"name":"alice"},"ref":1}"#,
        r#"{"type":"sent","conversation":"d:1:2","seq":1,"at":1790000000123,"id":"c-1","ref":3}"#,
        r#"{"type":"sent","conversation":"d:1:2","seq":1,"at":1790000000123,"id":"c-1","duplicate":true}"#,
        r#"{"type":"message","conversation":"d:1:2","seq":2,"from":{"id":2,"name":"bob"},"body":"hi","at":5}"#,
        r#"{"type":"message","conversation":"g:1","seq":2,"from":{"id":2,"name":"bob"},"body":"hi","at":5,"id":"x","data":{"a":[1.50]}}"#,
        r#"{"type":"history","conversation":"g:1","messages":[{"conversation":"g:1","seq":2,"from":{"id":2,"name":"b"},"body":"hi","at":5,"data":{}}],"more":false,"ref":"h"}"#,
        r#"{"type":"friend_added","user":{"id":1,"name":"alice","online":false}}"#,
        r#"{"type":"friend_added","user":{"id":1,"name":"alice"}}"#,
        r#"{"type":"friend_removed","user":{"id":1,"name":"alice"},"ref":1}"#,
        r#"{"type":"friend_removed","user":{"id":1,"name":"alice"}}"#,
        r#"{"type":"goodbye","code":"server_draining","message":"m","retry_after_ms":10}"#,
        r#"{"type":"error","code":"not_found","message":"m","ref":-1}"#,
        r#"{"type":"synced"}"#,
        r#"{"type":"acked"}"#,
    ];

    #[test]
    fn frames_read_back_as_written() {
        for frame in FRAMES {
            let decoded = ServerFrame::decode(frame.as_bytes()).unwrap_or_else(|e| panic!("{frame}: {e}"));
            assert_eq!(decoded.encode().unwrap(), frame);
        }
    }

    #[test]
    fn frames_that_share_memory_are_those_written_alone() {
        let mut encoder = FrameEncoder::default();
        for frame in FRAMES.iter().cycle().take(10 * FRAMES.len()) {
            let decoded = ServerFrame::decode(frame.as_bytes()).unwrap();
            assert_eq!(encoder.encode(&decoded).unwrap(), frame);
        }
        encoder.release();
        assert_eq!(encoder.piece.capacity(), 0);
    }

    #[test]
    fn replies_and_events_of_one_name_are_told_apart() {
        let is_event =
            |frame: &str| matches!(ServerFrame::decode(frame.as_bytes()), Ok(ServerFrame::Event(_)));
        assert!(is_event(r#"{"type":"friend_added","user":{"id":1,"name":"a"}}"#));
        assert!(!is_event(
            r#"{"type":"friend_added","user":{"id":1,"name":"a"},"ref":1}"#
        ));
        assert!(!is_event(
            r#"{"type":"friend_added","user":{"id":1,"name":"a","online":true}}"#
        ));
    }

    #[test]
    fn unknown_types_are_told_from_malformed_frames() {
        assert!(matches!(
            ServerFrame::decode(br#"{"type":"typing"}"#),
            Err(UnreadableFrame::UnknownType)
        ));
        assert!(matches!(
            ServerFrame::decode(br#"{"type":"sent"}"#),
            Err(UnreadableFrame::Malformed(_))
        ));
        assert!(matches!(
            ServerFrame::decode(b"nonsense"),
            Err(UnreadableFrame::Malformed(_))
        ));
    }
}
