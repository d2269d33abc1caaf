//! The JSON of `OfflineMessage`, as the original server relayed it.

use std::fmt;

use serde_json::{Map, Value};

/// A text that never shows itself in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageText(pub String);

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// Where a waiting message was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// To the user whom it waits for.
    User,
    /// To a group.
    Group(u64),
}

/// A message that waits for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMessage {
    /// Who wrote it.
    pub sender: u64,
    /// Where.
    pub to: Recipient,
    /// What.
    pub text: MessageText,
    /// When, as the sender's client wrote it, by its own clock and time zone.
    pub time: Option<String>,
}

/// Why a row's message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is cut off, or its quotes and backslashes were lost on the way into the database.
    #[error("the message is not valid JSON")]
    NotJson,
    /// It does not say who wrote it.
    #[error("the message has no sender's id")]
    NoSender,
    /// It is in a group whose id is none.
    #[error("the message's group is no id")]
    BadGroup,
    /// There is nothing to read.
    #[error("the message has no text")]
    NoText,
}

/// The names that copies of the program give to a field, the most common first.
const SENDER: &[&str] = &["id", "fromid", "from", "userid"];
const GROUP: &[&str] = &["groupid", "groupId", "group_id", "gid"];
const TEXT: &[&str] = &["msg", "message", "content", "text"];
const TIME: &[&str] = &["time", "datetime", "date"];

impl WaitingMessage {
    /// Reads a row's message.
    ///
    /// A one-to-one message is `{"msgid":…,"id":SENDER,"name":…,"toid":RECEIVER,"msg":TEXT,"time":TIME}`, one of a
    /// group has `groupid` in place of the receiver. Whom it waits for is the row's matter.
    ///
    /// # Errors
    /// [`Unreadable`], which shows nothing of the message.
    pub fn parse(message: &str) -> Result<Self, Unreadable> {
        let fields = parse_object(message).ok_or(Unreadable::NotJson)?;
        let sender = find(&fields, SENDER).and_then(id).ok_or(Unreadable::NoSender)?;
        let to = match find(&fields, GROUP) {
            Some(group) => Recipient::Group(id(group).ok_or(Unreadable::BadGroup)?),
            None => Recipient::User,
        };
        let text = find(&fields, TEXT).and_then(Value::as_str);
        let text = text.filter(|text| !text.is_empty()).ok_or(Unreadable::NoText)?;
        let time = find(&fields, TIME).and_then(Value::as_str);
        Ok(Self {
            sender,
            to,
            text: MessageText(text.to_owned()),
            time: time.map(str::to_owned),
        })
    }
}

/// The original program puts JSON into SQL as it is, and the database takes `\n` within it for a
/// line end: control characters that JSON does not allow are escaped again.
fn parse_object(message: &str) -> Option<Map<String, Value>> {
    let parsed = serde_json::from_str(message).or_else(|error| {
        if !message.contains(|c: char| c < ' ') {
            return Err(error);
        }
        let mut escaped = String::with_capacity(message.len() + 8);
        for c in message.chars() {
            if c < ' ' {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                escaped.push(c);
            }
        }
        serde_json::from_str(&escaped)
    });
    parsed.ok()
}

fn find<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let mut found = names.iter().filter_map(|name| fields.get(*name));
    found.find(|value| !value.is_null())
}

/// An id, also one that is written as a text.
fn id(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(to: Recipient, text: &str) -> Result<WaitingMessage, Unreadable> {
        Ok(WaitingMessage {
            sender: 13,
            to,
            text: MessageText(text.to_owned()),
            time: Some("2020-02-22 00:08:56".to_owned()),
        })
    }

    #[test]
    fn messages_to_users_and_groups_are_told_apart_by_the_group() {
        let direct = r#"{"msgid":5,"id":13,"name":"zhang san","toid":19,"msg":"hello \"you\"","time":"2020-02-22 00:08:56"}"#;
        assert_eq!(
            WaitingMessage::parse(direct),
            waiting(Recipient::User, "hello \"you\"")
        );
        let group = r#"{"groupid":3,"id":13,"msg":"大家好 🦀","msgid":10,"name":"张三","time":"2020-02-22 00:08:56"}"#;
        assert_eq!(
            WaitingMessage::parse(group),
            waiting(Recipient::Group(3), "大家好 🦀")
        );
    }

    #[test]
    fn other_spellings_of_fields_are_taken() {
        let message =
            r#"{"fromid":"13","to":19,"message":"hello","datetime":"2020-02-22 00:08:56","groupid":null}"#;
        assert_eq!(WaitingMessage::parse(message), waiting(Recipient::User, "hello"));
    }

    #[test]
    fn line_ends_that_lost_their_escape_are_given_it_back() {
        let message = "{\"id\":13,\"msg\":\"one\ntwo\tthree\",\"time\":\"2020-02-22 00:08:56\"}";
        assert_eq!(
            WaitingMessage::parse(message),
            waiting(Recipient::User, "one\ntwo\tthree")
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason_and_without_the_text() {
        for (message, expected) in [
            ("", Unreadable::NotJson),
            ("hello", Unreadable::NotJson),
            ("[1]", Unreadable::NotJson),
            (r#"{"id":13,"msg":"he said "secret"!"}"#, Unreadable::NotJson),
            (r#"{"id":13,"msg":"cut off"#, Unreadable::NotJson),
            (r#"{"msg":"secret"}"#, Unreadable::NoSender),
            (r#"{"id":-1,"msg":"secret"}"#, Unreadable::NoSender),
            (r#"{"id":1.5,"msg":"secret"}"#, Unreadable::NoSender),
            (r#"{"id":13,"msg":"secret","groupid":"x"}"#, Unreadable::BadGroup),
            (r#"{"id":13}"#, Unreadable::NoText),
            (r#"{"id":13,"msg":""}"#, Unreadable::NoText),
            (r#"{"id":13,"msg":7}"#, Unreadable::NoText),
        ] {
            let refused = WaitingMessage::parse(message).unwrap_err();
            assert_eq!(refused, expected, "{message}");
            assert!(!format!("{refused} {refused:?}").contains("secret"));
        }
        let shown = format!(
            "{:?}",
            WaitingMessage::parse(r#"{"id":13,"msg":"secret"}"#).unwrap()
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
}
