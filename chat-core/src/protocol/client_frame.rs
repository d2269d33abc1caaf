//! Frames from clients: an envelope with `type` and `ref`, then the fields of the type.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Conversations, OutgoingMessage, Recipient, Reference, Request};
use crate::types::{Body, Data, MessageId};

/// A request with its `ref`.
#[derive(Clone, Debug, Serialize)]
pub struct ClientFrame {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// The `ref` that its reply carries.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// A frame that is no request: the connection goes on, the sender gets `bad_frame`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadFrame {
    /// The frame's `ref`, where it could be read.
    pub reference: Option<Reference>,
    /// What was wrong, in words that repeat no value.
    pub message: String,
}

impl BadFrame {
    fn new(reference: Option<Reference>, message: impl Into<String>) -> Self {
        Self {
            reference,
            message: message.into(),
        }
    }
}

/// The part of a frame that says what to do with the rest. Borrows from the frame.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(rename = "ref", borrow, default)]
    reference: Option<&'a RawValue>,
}

/// How nearly every client begins the frame that a busy server reads most.
const SEND: &str = r#"{"type":"send","#;

/// A whole `send`, to be read in one pass.
#[derive(Deserialize)]
struct SendFrame {
    /// Known already; here so that a second one is noticed.
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    #[serde(rename = "ref", default)]
    reference: Option<Reference>,
    to: Recipient,
    body: Body,
    #[serde(default)]
    id: Option<MessageId>,
    #[serde(default)]
    data: Option<Data>,
}

impl From<SendFrame> for ClientFrame {
    fn from(frame: SendFrame) -> Self {
        Self {
            request: Request::Send(OutgoingMessage {
                to: frame.to,
                body: frame.body,
                id: frame.id,
                data: frame.data,
            }),
            reference: frame.reference,
        }
    }
}

impl ClientFrame {
    /// Reads a frame without its line end.
    ///
    /// # Errors
    /// [`BadFrame`] where it is not UTF-8, not JSON, no object, of no known type, or where a field
    /// is missing or of the wrong form.
    pub fn decode(frame: &[u8]) -> Result<Self, BadFrame> {
        let text = std::str::from_utf8(frame).map_err(|_| BadFrame::new(None, "the frame is not UTF-8"))?;
        // What is wrong with one that cannot be read like this is found out below.
        if text.starts_with(SEND)
            && let Ok(send) = serde_json::from_str::<SendFrame>(text)
        {
            return Ok(send.into());
        }
        let envelope = read_envelope(text)?;
        let reference = read_reference(envelope.reference)?;
        match read_request(envelope.kind, text) {
            Ok(request) => Ok(Self { request, reference }),
            Err(message) => Err(BadFrame::new(reference, message)),
        }
    }

    /// Writes the frame as JSON without a line end.
    ///
    /// # Errors
    /// Never for frames made of this crate's types; serde asks for it.
    pub fn encode(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

fn read_envelope(text: &str) -> Result<Envelope<'_>, BadFrame> {
    if !text.trim_ascii_start().starts_with('{') {
        let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
        let message = if is_json {
            "the frame is no JSON object"
        } else {
            "the frame is not JSON"
        };
        return Err(BadFrame::new(None, message));
    }
    serde_json::from_str(text).map_err(|error| {
        let message = if error.is_data() {
            plain(&error)
        } else {
            "the frame is not JSON".to_owned()
        };
        BadFrame::new(None, message)
    })
}

fn read_reference(raw: Option<&RawValue>) -> Result<Option<Reference>, BadFrame> {
    let Some(raw) = raw else { return Ok(None) };
    serde_json::from_str(raw.get())
        .map(Some)
        .map_err(|_| BadFrame::new(None, "`ref` must be a string of at most 64 bytes or an integer"))
}

fn read_request(kind: Option<&RawValue>, text: &str) -> Result<Request, String> {
    let kind = kind.ok_or("`type` is missing")?.get();
    // Nearly every type arrives without escapes, and then nothing is copied.
    let unquoted = kind
        .strip_prefix('"')
        .and_then(|kind| kind.strip_suffix('"'))
        .ok_or("`type` must be a string")?;
    if unquoted.contains('\\') {
        let unescaped: String = serde_json::from_str(kind).map_err(|_| "`type` must be a string")?;
        return read_fields(&unescaped, text);
    }
    read_fields(unquoted, text)
}

fn read_fields(kind: &str, text: &str) -> Result<Request, String> {
    Ok(match kind {
        "send" => Request::Send(fields(text)?),
        "ack" => Request::Ack(fields(text)?),
        "ping" => Request::Ping,
        "login" => Request::Login(fields(text)?),
        "register" => Request::Register(fields(text)?),
        "logout" => Request::Logout,
        "history" => Request::History(fields(text)?),
        "conversations" => Request::Conversations(fields::<Conversations>(text)?),
        "add_friend" => Request::AddFriend(fields(text)?),
        "remove_friend" => Request::RemoveFriend(fields(text)?),
        "friends" => Request::Friends,
        "create_group" => Request::CreateGroup(fields(text)?),
        "join_group" => Request::JoinGroup(fields(text)?),
        "leave_group" => Request::LeaveGroup(fields(text)?),
        "groups" => Request::Groups,
        "members" => Request::Members(fields(text)?),
        "find_user" => Request::FindUser(fields(text)?),
        _ => return Err("`type` is none that this server knows".to_owned()),
    })
}

fn fields<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // The plain parse is the fast path; only a failed one is repeated to learn the field's name.
    serde_json::from_str(text).or_else(|_| {
        let mut input = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut input).map_err(|error| {
            let path = error.path().to_string();
            let message = plain(error.inner());
            if path == "." {
                message
            } else {
                format!("`{path}` {message}")
            }
        })
    })
}

/// Serde's message without its position, and without the value that it may repeat.
fn plain(error: &serde_json::Error) -> String {
    let full = error.to_string();
    let message = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(message, _)| message);
    if message.starts_with("invalid ") {
        let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
        return format!("must be {}", expected.unwrap_or("of another form"));
    }
    match message.strip_prefix("missing field ") {
        Some(field) => format!("{field} is missing"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{LoginProof, Recipient};

    fn refusal(frame: &str) -> String {
        ClientFrame::decode(frame.as_bytes()).unwrap_err().message
    }

    #[test]
    fn refusals_name_the_field_and_never_the_value() {
        for (frame, expected) in [
            ("nonsense", "the frame is not JSON"),
            ("[1]", "the frame is no JSON object"),
            ("{\"type\":\"ping\"", "the frame is not JSON"),
            ("{\"type\":\"ping\"} x", "the frame is not JSON"),
            ("{}", "`type` is missing"),
            ("{\"type\":7}", "`type` must be a string"),
            ("{\"type\":\"dance\"}", "`type` is none that this server knows"),
            ("{\"type\":\"ping\",\"type\":\"ping\"}", "duplicate field `type`"),
            (
                "{\"type\":\"ping\",\"ref\":1.5}",
                "`ref` must be a string of at most 64 bytes or an integer",
            ),
            ("{\"type\":\"register\",\"name\":\"a\"}", "`password` is missing"),
            (
                "{\"type\":\"register\",\"name\":\"a\",\"password\":12345678}",
                "`password` must be a password of 8 to 128 bytes",
            ),
            (
                "{\"type\":\"register\",\"name\":\"a\",\"password\":\"secret\"}",
                "`password` must be a password of 8 to 128 bytes",
            ),
            (
                "{\"type\":\"send\",\"to\":{\"user\":0},\"body\":\"x\"}",
                "`to.user` must be an integer from 1 to 2^53 - 1",
            ),
            (
                "{\"type\":\"send\",\"to\":{},\"body\":\"x\"}",
                "`to` must have exactly one of `user` and `group`",
            ),
            (
                "{\"type\":\"history\",\"conversation\":\"g:1\",\"limit\":201}",
                "`limit` must be an integer from 1 to 200",
            ),
            ("{\"type\":\"login\",\"name\":\"a\"}", "`password` is missing"),
            (
                "{\"type\":\"login\",\"name\":\"a\",\"password\":\"\"}",
                "`password` must be a password of 1 to 256 bytes",
            ),
        ] {
            assert_eq!(refusal(frame), expected, "{frame}");
        }
    }

    #[test]
    fn the_reference_survives_a_bad_body() {
        let bad = ClientFrame::decode(b"{\"ref\":\"r1\",\"type\":\"join_group\"}").unwrap_err();
        assert_eq!(bad.reference, Some(Reference::Text("r1".into())));
    }

    #[test]
    fn unknown_fields_and_escaped_types_are_taken() {
        let deep = format!(
            "{{\"type\":\"pi\\u006eg\",\"x\":{}1{}}}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        assert!(matches!(
            ClientFrame::decode(deep.as_bytes()).unwrap().request,
            Request::Ping
        ));
    }

    #[test]
    fn a_send_is_the_same_however_its_fields_are_ordered() {
        for rest in [
            r#""to":{"user":1},"body":"x""#,
            r#""body":"\u00e9\n","id":"c-1","data":{"a":[1.50,{"type":"x"}]},"ref":"r","to":{"group":3},"later":{}"#,
            r#""ref":null,"to":{"user":1},"body":"x","id":null"#,
            r#""ref":1.5,"to":{"user":1},"body":"x""#,
            r#""ref":7,"to":{"user":0},"body":"x""#,
            r#""ref":7,"to":{"user":1},"body":"x","body":"y""#,
            r#""ref":7,"to":{"user":1},"body":"x","type":"send""#,
            r#""ref":7,"to":{"user":1},"body":"""#,
            r#""ref":7,"body":"x""#,
            r#""to":{"user":1},"body":"x"} {"#,
        ] {
            let in_one_pass = ClientFrame::decode(format!("{{\"type\":\"send\",{rest}}}").as_bytes());
            let in_two = ClientFrame::decode(format!("{{ \"type\":\"send\",{rest}}}").as_bytes());
            assert_eq!(format!("{in_one_pass:?}"), format!("{in_two:?}"), "{rest}");
        }
    }

    #[test]
    fn requests_read_back_as_written() {
        let frame = r#"{"type":"login","id":7,"password":"12345678","device":"d","ack":"auto","ref":1}"#;
        let decoded = ClientFrame::decode(frame.as_bytes()).unwrap();
        let Request::Login(login) = &decoded.request else {
            panic!("{decoded:?}")
        };
        assert!(matches!(
            login.proof,
            LoginProof::Password {
                user: super::super::UserSelector::Id(_),
                ..
            }
        ));
        assert_eq!(decoded.encode().unwrap(), frame);

        let frame = r#"{"type":"send","to":{"group":3},"body":"x","id":"c-1","data":{"a":1}}"#;
        let decoded = ClientFrame::decode(frame.as_bytes()).unwrap();
        assert!(matches!(&decoded.request, Request::Send(m) if matches!(m.to, Recipient::Group(_))));
        assert_eq!(decoded.encode().unwrap(), frame);
    }
}
