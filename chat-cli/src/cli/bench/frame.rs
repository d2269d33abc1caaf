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

use super::stamp::{self, SHORT, read_hex};

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
        // What a stamp is made of need not be escaped, but may be.
        if memchr::memchr(b'\\', text.get(..stamp::LENGTH)?).is_some() {
            return None;
        }
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
    use chat_core::Timestamp;
    use chat_core::protocol::{Event, Reference, Reply, ServerFrame};
    use chat_core::types::Seq;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cli::bench::stamp::Stamp;

    const RUN: stamp::Run = *b"0badcafe";

    fn text() -> String {
        let stamp = Stamp {
            sender: 3,
            number: 4,
            at: 5,
        };
        String::from_utf8(stamp.text(RUN, 60)).unwrap()
    }

    proptest! {
        #[test]
        fn what_servers_write_is_read_quickly_and_rightly(
            name in "[ -~\u{e9}]{0,20}[a-z}\"]",
            rest in "[ -~\n]{0,20}",
            has_stamp in any::<bool>(),
            has_data in any::<bool>(),
            seq in 1..1_u64 << 53,
        ) {
            let name = name.trim();
            let body = if has_stamp { text() + &rest } else { "x".repeat(60) + &rest };
            let data = has_data.then(|| json!({"from": {}, "body": text()}));
            let view = json!({
                "conversation": "d:1:22", "seq": seq, "from": {"id": 2, "name": name}, "body": body, "at": 5, "id": "x",
                "data": data.unwrap_or_else(|| json!({})),
            });
            let message = Event::Message(serde_json::from_value(view).unwrap());
            let line = ServerFrame::Event(message).encode().unwrap();
            let Some(Frame::Message(quick)) = read_quickly(&line) else {
                panic!("not quick");
            };
            let Ok(Frame::Message(json)) = read_json(&line) else {
                panic!("not JSON");
            };
            prop_assert_eq!((&quick.conversation, quick.seq), (&json.conversation, json.seq));
            let stamps = [&quick, &json].map(|message| Stamp::read(RUN, &message.text));
            prop_assert_eq!(stamps[0], stamps[1]);
            prop_assert_eq!(stamps[0].is_some(), has_stamp);
        }
    }

    #[test]
    fn answers_are_read_quickly_and_rightly() {
        let sent = chat_core::protocol::Sent {
            conversation: "g:1".parse().unwrap(),
            seq: Seq::new(9).unwrap(),
            at: Timestamp::from_millis(1_790_000_000_123),
            id: "c-1".parse().unwrap(),
            duplicate: false,
        };
        let reply = Reply::Sent(sent).to_frame(Some(Reference::Text("0000001f".into())));
        let line = reply.encode().unwrap();
        let quick = read_quickly(&line);
        assert!(matches!(
            quick,
            Some(Frame::Sent(Sent {
                number: Some(0x1f),
                seq: 9,
                ..
            }))
        ));
        assert_eq!(quick, read_json(&line).ok());
    }

    #[test]
    fn an_escaped_stamp_is_a_stamp() {
        let escaped = text().replacen('0', "\\u0030", 1);
        let line = format!(
            r#"{{"type":"message","conversation":"d:1:2","seq":1,"from":{{"id":1,"name":"a"}},"body":"{escaped}"}}"#
        );
        let Ok(Frame::Message(message)) = Frame::read(line.as_bytes()) else {
            panic!("no message");
        };
        assert!(Stamp::read(RUN, &message.text).is_some());
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
