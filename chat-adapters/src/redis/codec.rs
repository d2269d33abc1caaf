//! A notice as bytes: an entry of a [payload](super::payload).
//!
//! An entry is the kind in one byte, the number of its topics in another, the topics, the kind's fields, and then the
//! frame as it is. A topic is a byte for what it is and its id. Integers are 8 bytes, little-endian; texts have a byte for
//! their length. What follows the last field of a kind without a frame is ignored, so that fields can be added to it.

use bytes::{Buf, Bytes};
use chat_core::ports::{Notice, NoticeKind, Topic};
use chat_core::types::{ConversationId, Device, GroupId, Seq, SessionId, UserId};

/// The first byte of an entry.
mod kind {
    pub(super) const MESSAGE: u8 = 1;
    pub(super) const EVENT: u8 = 2;
    pub(super) const DEVICE_OPENED: u8 = 3;
    pub(super) const MEMBERSHIP_CHANGED: u8 = 4;
    pub(super) const EXPELLED: u8 = 5;
}

/// What precedes a topic's id.
mod topic {
    pub(super) const USER: u8 = 0;
    pub(super) const GROUP: u8 = 1;
}

/// What precedes a conversation's id.
mod conversation {
    pub(super) const DIRECT: u8 = 0;
    pub(super) const GROUP: u8 = 1;
}

/// The most topics of one entry.
pub(super) const MOST_TOPICS: usize = 64;
/// The bytes of a topic.
const TOPIC: usize = 9;
/// Room for the fields of any kind: a device of up to 64 bytes, or a conversation, a number and a session.
const FIELDS: usize = 80;

/// Why something is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Skipped {
    #[error("it has another version of the format")]
    Version,
    #[error("it is of a kind that this program does not know")]
    Kind,
    #[error("it is damaged, or comes from another program")]
    Malformed,
}

impl Skipped {
    /// The label of the metric.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Kind => "kind",
            Self::Malformed => "malformed",
        }
    }
}

/// The most bytes that a notice for this many topics takes.
pub(super) fn room(notice: &Notice, topics: usize) -> usize {
    2 + topics * TOPIC + FIELDS + frame(&notice.kind).len()
}

fn frame(kind: &NoticeKind) -> &[u8] {
    match kind {
        NoticeKind::Message { frame, .. } | NoticeKind::Event { frame } => frame,
        _ => &[],
    }
}

/// Adds a notice for these topics, at most [`MOST_TOPICS`], which stand in place of its own.
pub(super) fn encode(notice: &Notice, topics: impl ExactSizeIterator<Item = Topic>, bytes: &mut Vec<u8>) {
    bytes.extend([
        kind_of(&notice.kind),
        u8::try_from(topics.len()).unwrap_or(u8::MAX),
    ]);
    topics.for_each(|topic| put_topic(bytes, topic));
    match &notice.kind {
        NoticeKind::Message {
            conversation,
            seq,
            session,
            ..
        } => {
            put_conversation(bytes, *conversation);
            put_integer(bytes, seq.get());
            bytes.push(session.is_some().into());
            session
                .iter()
                .for_each(|session| put_integer(bytes, session.get()));
        }
        NoticeKind::Event { .. } => {}
        NoticeKind::DeviceOpened { device, epoch } => {
            put_text(bytes, device.as_str());
            put_integer(bytes, *epoch);
        }
        NoticeKind::MembershipChanged { group } => put_integer(bytes, group.get()),
        NoticeKind::Expelled { device } => {
            bytes.push(device.is_some().into());
            device.iter().for_each(|device| put_text(bytes, device.as_str()));
        }
    }
    bytes.extend_from_slice(frame(&notice.kind));
}

const fn kind_of(notice: &NoticeKind) -> u8 {
    match notice {
        NoticeKind::Message { .. } => kind::MESSAGE,
        NoticeKind::Event { .. } => kind::EVENT,
        NoticeKind::DeviceOpened { .. } => kind::DEVICE_OPENED,
        NoticeKind::MembershipChanged { .. } => kind::MEMBERSHIP_CHANGED,
        NoticeKind::Expelled { .. } => kind::EXPELLED,
    }
}

fn put_integer(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend(value.to_le_bytes());
}

/// Node ids and devices have at most 64 bytes.
pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(text.as_bytes());
}

fn put_topic(bytes: &mut Vec<u8>, topic: Topic) {
    let (tag, id) = match topic {
        Topic::User(user) => (topic::USER, user.get()),
        Topic::Group(group) => (topic::GROUP, group.get()),
    };
    bytes.push(tag);
    put_integer(bytes, id);
}

fn put_conversation(bytes: &mut Vec<u8>, conversation: ConversationId) {
    if let Some((low, high)) = conversation.users() {
        bytes.push(conversation::DIRECT);
        put_integer(bytes, low.get());
        put_integer(bytes, high.get());
    } else if let Some(group) = conversation.as_group() {
        bytes.push(conversation::GROUP);
        put_integer(bytes, group.get());
    }
}

/// An entry of which the topics are read, and the rest is not yet.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    kind: u8,
    topics: &'a [u8],
    rest: Input<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Skipped> {
        let mut rest = Input(bytes);
        let (kind, topics) = (rest.byte()?, rest.byte()?);
        let topics = rest.take(usize::from(topics) * TOPIC)?;
        Ok(Self { kind, topics, rest })
    }

    /// The topics that are known to this version.
    pub(super) fn topics(&self) -> impl Iterator<Item = Topic> {
        self.topics.chunks_exact(TOPIC).filter_map(|bytes| {
            let mut input = Input(bytes);
            match input.byte().ok()? {
                topic::USER => Some(Topic::User(input.user().ok()?)),
                topic::GROUP => Some(Topic::Group(input.group().ok()?)),
                _ => None,
            }
        })
    }

    /// What happened. A frame is copied: a part of the payload would keep the whole of it for as long as a slow session
    /// keeps one message.
    pub(super) fn kind(&self) -> Result<NoticeKind, Skipped> {
        self.rest.clone().kind(self.kind)
    }
}

/// What is left to read.
#[derive(Clone, Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    fn kind(mut self, kind: u8) -> Result<NoticeKind, Skipped> {
        Ok(match kind {
            kind::MESSAGE => NoticeKind::Message {
                conversation: self.conversation()?,
                seq: Seq::new(self.integer()?).map_err(|_| Skipped::Malformed)?,
                session: match self.is_there()? {
                    true => Some(SessionId::new(self.integer()?)),
                    false => None,
                },
                frame: self.frame(),
            },
            kind::EVENT => NoticeKind::Event { frame: self.frame() },
            kind::DEVICE_OPENED => NoticeKind::DeviceOpened {
                device: self.device()?,
                epoch: self.integer()?,
            },
            kind::MEMBERSHIP_CHANGED => NoticeKind::MembershipChanged { group: self.group()? },
            kind::EXPELLED => NoticeKind::Expelled {
                device: match self.is_there()? {
                    true => Some(self.device()?),
                    false => None,
                },
            },
            _ => return Err(Skipped::Kind),
        })
    }

    fn frame(&self) -> Bytes {
        Bytes::copy_from_slice(self.0)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Skipped> {
        self.0.try_get_u8().map_err(|_| Skipped::Malformed)
    }

    fn is_there(&mut self) -> Result<bool, Skipped> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Skipped::Malformed),
        }
    }

    pub(super) fn length(&mut self) -> Result<usize, Skipped> {
        let length = self.0.try_get_u32_le().map_err(|_| Skipped::Malformed)?;
        usize::try_from(length).map_err(|_| Skipped::Malformed)
    }

    fn integer(&mut self) -> Result<u64, Skipped> {
        self.0.try_get_u64_le().map_err(|_| Skipped::Malformed)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Skipped> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Skipped::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Skipped> {
        let length = usize::from(self.byte()?);
        std::str::from_utf8(self.take(length)?).map_err(|_| Skipped::Malformed)
    }

    fn device(&mut self) -> Result<Device, Skipped> {
        Device::parse(self.text()?).map_err(|_| Skipped::Malformed)
    }

    fn user(&mut self) -> Result<UserId, Skipped> {
        UserId::new(self.integer()?).map_err(|_| Skipped::Malformed)
    }

    fn group(&mut self) -> Result<GroupId, Skipped> {
        GroupId::new(self.integer()?).map_err(|_| Skipped::Malformed)
    }

    fn conversation(&mut self) -> Result<ConversationId, Skipped> {
        match self.byte()? {
            conversation::DIRECT => {
                let (low, high) = (self.user()?, self.user()?);
                Ok(ConversationId::direct(low, high))
            }
            conversation::GROUP => Ok(ConversationId::group(self.group()?)),
            _ => Err(Skipped::Malformed),
        }
    }
}
