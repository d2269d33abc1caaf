//! The frames that the relay reads and writes.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The requests that a load makes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Register,
    Login,
    CreateGroup,
    JoinGroup,
    Send,
    Ack,
    Ping,
    #[serde(other)]
    Other,
}

/// A request, with the fields of all kinds.
#[derive(Debug, Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(borrow, default, rename = "ref")]
    pub(crate) reference: Option<&'a RawValue>,
    pub(crate) to: Option<Target>,
    #[serde(borrow, default)]
    pub(crate) body: Cow<'a, str>,
    /// A message's own id, or the id of a user who logs in.
    #[serde(borrow, default)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) token: Cow<'a, str>,
    pub(crate) group: Option<u64>,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    User(u64),
    Group(u64),
}

/// The event that receivers get.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message")]
pub(crate) struct Message<'a> {
    pub(crate) conversation: &'a str,
    pub(crate) seq: u64,
    pub(crate) from: From<'a>,
    pub(crate) body: &'a str,
    pub(crate) at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a RawValue>,
}

/// Who sent a message.
#[derive(Debug, Serialize)]
pub(crate) struct From<'a> {
    pub(crate) id: u64,
    pub(crate) name: &'a str,
}

/// The reply to a `send`, with its fields in the order of the server's.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "sent")]
pub(crate) struct Sent<'a> {
    pub(crate) conversation: &'a str,
    pub(crate) seq: u64,
    pub(crate) at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<&'a RawValue>,
}

/// A frame with its line end.
pub(crate) fn line(frame: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut line = Vec::with_capacity(256);
    serde_json::to_writer(&mut line, frame)?;
    line.push(b'\n');
    Ok(line.into())
}
