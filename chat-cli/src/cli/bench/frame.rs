//! Frames of a server, read only as far as a load looks at them.
//!
//! The two frames that come by the million, `sent` and `message`, are first read in the one form in which servers write
//! them: without spaces, with their fields in the order of the protocol's page. That takes a tenth of what reading JSON
//! does. A frame of any other form is read as JSON.

use std::borrow::Cow;

use chat_client::Error;
use chat_core::protocol::{ErrorReply, Goodbye};
use memchr::memmem;
use serde::Deserialize;

use super::stamp::{SHORT, read_hex};

/// What a load looks at in a frame.
#[derive(Debug, PartialEq)]
pub(super) enum Frame<'a> {
    Sent(Sent<'a>),
    Message(Message<'a>),
    /// A request failed; the number is that of a `send`.
    Refused {
        number: Option<u32>,
        refusal: ErrorReply,
    },
    Goodbye(Goodbye),
    Synced,
    Other,
}

/// A `send` was stored.
#[derive(Debug, PartialEq)]
pub(super) struct Sent<'a> {
    pub(super) conversation: Cow<'a, str>,
    pub(super) seq: u64,
    /// The message's number, which was the request's `ref`.
    pub(super) number: Option<u32>,
    pub(super) duplicate: bool,
}

/// A message was delivered.
#[derive(Debug, PartialEq)]
pub(super) struct Message<'a> {
    pub(super) conversation: Cow<'a, str>,
    pub(super) seq: u64,
    /// The text, or in the quick form what follows from its first byte on.
    pub(super) text: Cow<'a, [u8]>,
}

impl<'a> Frame<'a> {
    /// Reads a line.
    #[inline]
    pub(super) fn read(line: &'a [u8]) -> Result<Self, Error> {
        match read_quickly(line) {
            Some(frame) => Ok(frame),
            None => read_json(line),
        }
    }
}

#[inline]
fn read_quickly(line: &[u8]) -> Option<Frame<'_>> {
    if let Some(rest) = line.strip_prefix(br#"{"type":"message","conversation":""#) {
        let (conversation, seq, rest) = position(rest)?;
        let from = rest.strip_prefix(br#","from":{"#)?;
        // A quotation mark inside a name is escaped: this cannot stand there.
        let body = memmem::find(from, br#"},"body":""#)?;
        let text = from.get(body + br#"},"body":""#.len()..)?;
        return Some(Frame::Message(Message {
            conversation,
            seq,
            text: Cow::Borrowed(text),
        }));
    }
    let rest = line.strip_prefix(br#"{"type":"sent","conversation":""#)?;
    let (conversation, seq, rest) = position(rest)?;
    let (_, rest) = integer(rest.strip_prefix(br#","at":"#)?)?;
    let rest = rest.strip_prefix(br#","id":""#)?;
    // A `duplicate` would follow the id; only without one is the number where it is looked for.
    let after_id = rest.get(memchr::memchr(b'"', rest)?..)?;
    let (reference, end) = after_id
        .strip_prefix(br#"","ref":""#)?
        .split_first_chunk::<SHORT>()?;
    let number = u32::try_from(read_hex(reference)?).ok()?;
    (end == b"\"}").then_some(Frame::Sent(Sent {
        conversation,
        seq,
        number: Some(number),
        duplicate: false,
    }))
}

/// The rest of a conversation's id, the `seq` after it, and what follows.
#[inline]
fn position(line: &[u8]) -> Option<(Cow<'_, str>, u64, &[u8])> {
    let (id, rest) = line.split_at_checked(line.iter().position(|byte| *byte == b'"')?)?;
    let (seq, rest) = integer(rest.strip_prefix(br#"","seq":"#)?)?;
    Some((Cow::Borrowed(str::from_utf8(id).ok()?), seq, rest))
}

/// The digits that a text begins with, and what follows.
#[inline]
fn integer(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return (place > 0).then_some((value, text.get(place..)?));
        }
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    None
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "ref", default)]
    reference: serde_json::Value,
}

#[derive(Deserialize)]
struct SentFields<'a> {
    #[serde(borrow)]
    conversation: Cow<'a, str>,
    seq: u64,
    #[serde(default)]
    duplicate: bool,
}

#[derive(Deserialize)]
struct MessageFields<'a> {
    #[serde(borrow)]
    conversation: Cow<'a, str>,
    seq: u64,
    #[serde(borrow)]
    body: Cow<'a, str>,
}

fn read_json(line: &[u8]) -> Result<Frame<'_>, Error> {
    let read = || -> serde_json::Result<Frame<'_>> {
        let Envelope { kind, reference } = serde_json::from_slice(line)?;
        let number = || {
            let digits = reference.as_str()?.as_bytes().as_array::<SHORT>()?;
            u32::try_from(read_hex(digits)?).ok()
        };
        Ok(match &*kind {
            "sent" => {
                let fields: SentFields<'_> = serde_json::from_slice(line)?;
                Frame::Sent(Sent {
                    conversation: fields.conversation,
                    seq: fields.seq,
                    number: number(),
                    duplicate: fields.duplicate,
                })
            }
            "message" => {
                let fields: MessageFields<'_> = serde_json::from_slice(line)?;
                Frame::Message(Message {
                    conversation: fields.conversation,
                    seq: fields.seq,
                    text: match fields.body {
                        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                    },
                })
            }
            "error" => Frame::Refused {
                number: number(),
                refusal: serde_json::from_slice(line)?,
            },
            "goodbye" => Frame::Goodbye(serde_json::from_slice(line)?),
            "synced" => Frame::Synced,
            _ => Frame::Other,
        })
    };
    read().map_err(|error| Error::Protocol {
        what: "a frame is not of the protocol's form",
        source: Some(error.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = br#"{"type":"message","conversation":"d:1:22","seq":345,"from":{"id":2,"name":"a\"},\"body\":\""},"body":"hi","at":5,"id":"x"}"#;
    const SENT: &[u8] =
        br#"{"type":"sent","conversation":"g:1","seq":9,"at":1790000000123,"id":"c-1","ref":"0000001f"}"#;

    #[test]
    fn the_quick_form_and_json_say_the_same() {
        let Some(Frame::Message(quick)) = read_quickly(MESSAGE) else {
            panic!("not quick");
        };
        let Ok(Frame::Message(json)) = read_json(MESSAGE) else {
            panic!("not JSON");
        };
        assert!(quick.text.starts_with(&json.text));
        assert_eq!((quick.conversation, quick.seq), (json.conversation, json.seq));
        assert_eq!(read_quickly(SENT), read_json(SENT).ok());
    }

    #[test]
    fn other_forms_are_read_as_json() {
        for line in [
            &br#"{"type":"sent","seq":9,"conversation":"g:1","at":1,"id":"c-1","ref":"0000001f"}"#[..],
            br#"{"type":"sent","conversation":"g:1","seq":9,"at":1,"id":"c","duplicate":true,"ref":"0000001f"}"#,
            br#"{ "type" : "sent", "conversation":"g:1","seq":9,"at":1,"id":"c","ref":"0000001f"}"#,
        ] {
            assert_eq!(read_quickly(line), None);
            let duplicate = memmem::find(line, b"duplicate").is_some();
            let expected = Frame::Sent(Sent {
                conversation: "g:1".into(),
                seq: 9,
                number: Some(0x1f),
                duplicate,
            });
            assert_eq!(Frame::read(line).unwrap(), expected);
        }
        let refused = br#"{"type":"error","code":"not_found","message":"m","ref":"00000002"}"#;
        assert!(matches!(
            Frame::read(refused),
            Ok(Frame::Refused { number: Some(2), .. })
        ));
        assert!(matches!(Frame::read(br#"{"type":"news"}"#), Ok(Frame::Other)));
        assert!(Frame::read(b"{").is_err());
    }
}
