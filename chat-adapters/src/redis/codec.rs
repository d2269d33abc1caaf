//! A notice as bytes, and its topic as the name of a channel.
//!
//! The payload is a byte for the version, one for the kind, the node of origin, the kind's fields,
//! and then the frame as it is. Integers are 8 bytes, little-endian; texts have a byte for their
//! length. Bytes after the last field are ignored, so that fields can be added to a kind.

use bytes::{Buf, Bytes};
use chat_core::ports::{Notice, NoticeKind, Topic};
use chat_core::types::{ConversationId, Device, GroupId, NodeId, Seq, SessionId, UserId};

const VERSION: u8 = 1;

/// The second byte of a payload.
mod kind {
    pub(super) const MESSAGE: u8 = 1;
    pub(super) const EVENT: u8 = 2;
    pub(super) const DEVICE_OPENED: u8 = 3;
    pub(super) const MEMBERSHIP_CHANGED: u8 = 4;
    pub(super) const EXPELLED: u8 = 5;
}

/// What precedes a conversation's id.
mod conversation {
    pub(super) const DIRECT: u8 = 0;
    pub(super) const GROUP: u8 = 1;
}

/// Room for everything before the frame: two bytes, an origin of up to 64, five integers.
const HEADER: usize = 112;

/// Why a payload is skipped.
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

/// The name of a topic's channel.
pub(super) fn channel(prefix: &str, topic: Topic) -> String {
    format!("{prefix}:{topic}")
}

/// The topic of a channel with this prefix.
pub(super) fn topic(prefix: &str, channel: &[u8]) -> Option<Topic> {
    let channel = std::str::from_utf8(channel).ok()?;
    let (kind, id) = channel.strip_prefix(prefix)?.strip_prefix(':')?.split_once(':')?;
    match kind {
        "user" => Some(Topic::User(id.parse().ok()?)),
        "group" => Some(Topic::Group(id.parse().ok()?)),
        _ => None,
    }
}

pub(super) fn encode(notice: &Notice) -> Vec<u8> {
    let frame: &[u8] = match &notice.kind {
        NoticeKind::Message { frame, .. } | NoticeKind::Event { frame } => frame,
        _ => &[],
    };
    let mut bytes = Vec::with_capacity(HEADER + frame.len());
    bytes.extend([VERSION, kind_of(&notice.kind)]);
    put_text(&mut bytes, notice.origin.as_str());
    match &notice.kind {
        NoticeKind::Message {
            conversation,
            seq,
            session,
            ..
        } => {
            put_conversation(&mut bytes, *conversation);
            put_integer(&mut bytes, seq.get());
            bytes.push(session.is_some().into());
            session
                .iter()
                .for_each(|session| put_integer(&mut bytes, session.get()));
        }
        NoticeKind::Event { .. } => {}
        NoticeKind::DeviceOpened { device, epoch } => {
            put_text(&mut bytes, device.as_str());
            put_integer(&mut bytes, *epoch);
        }
        NoticeKind::MembershipChanged { group } => put_integer(&mut bytes, group.get()),
        NoticeKind::Expelled { device } => {
            bytes.push(device.is_some().into());
            device
                .iter()
                .for_each(|device| put_text(&mut bytes, device.as_str()));
        }
    }
    bytes.extend_from_slice(frame);
    bytes
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
fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(text.as_bytes());
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

/// Reads a payload. The frame stays where it is in memory.
pub(super) fn decode(topic: Topic, payload: Bytes) -> Result<Notice, Skipped> {
    let mut input = Input(payload);
    if input.byte()? != VERSION {
        return Err(Skipped::Version);
    }
    let kind = input.byte()?;
    let origin = NodeId::parse(&input.text()?).map_err(|_| Skipped::Malformed)?;
    let kind = input.kind(kind)?;
    Ok(Notice { topic, origin, kind })
}

/// What is left to read.
struct Input(Bytes);

impl Input {
    fn kind(mut self, kind: u8) -> Result<NoticeKind, Skipped> {
        Ok(match kind {
            kind::MESSAGE => NoticeKind::Message {
                conversation: self.conversation()?,
                seq: Seq::new(self.integer()?).map_err(|_| Skipped::Malformed)?,
                session: match self.is_there()? {
                    true => Some(SessionId::new(self.integer()?)),
                    false => None,
                },
                frame: self.0,
            },
            kind::EVENT => NoticeKind::Event { frame: self.0 },
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

    fn byte(&mut self) -> Result<u8, Skipped> {
        self.0.try_get_u8().map_err(|_| Skipped::Malformed)
    }

    fn is_there(&mut self) -> Result<bool, Skipped> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Skipped::Malformed),
        }
    }

    fn integer(&mut self) -> Result<u64, Skipped> {
        self.0.try_get_u64_le().map_err(|_| Skipped::Malformed)
    }

    fn text(&mut self) -> Result<String, Skipped> {
        let length = usize::from(self.byte()?);
        if self.0.len() < length {
            return Err(Skipped::Malformed);
        }
        let text = self.0.split_to(length);
        String::from_utf8(text.into()).map_err(|_| Skipped::Malformed)
    }

    fn device(&mut self) -> Result<Device, Skipped> {
        Device::parse(&self.text()?).map_err(|_| Skipped::Malformed)
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

#[cfg(test)]
mod tests {
    use chat_core::types::MAX_INTEGER;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn id() -> impl Strategy<Value = u64> {
        prop_oneof![1..=20_u64, 1..=MAX_INTEGER]
    }

    fn frame() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
    }

    fn a_device() -> impl Strategy<Value = Device> {
        "[A-Za-z0-9._-]{1,64}".prop_map(|text| Device::parse(&text).unwrap())
    }

    fn a_topic() -> impl Strategy<Value = Topic> {
        (id(), any::<bool>()).prop_map(|(id, user)| match user {
            true => Topic::User(UserId::new(id).unwrap()),
            false => Topic::Group(GroupId::new(id).unwrap()),
        })
    }

    fn a_conversation() -> impl Strategy<Value = ConversationId> {
        (id(), option::of(id())).prop_map(|(one, other)| match other {
            Some(other) => ConversationId::direct(UserId::new(one).unwrap(), UserId::new(other).unwrap()),
            None => ConversationId::group(GroupId::new(one).unwrap()),
        })
    }

    fn a_message() -> impl Strategy<Value = NoticeKind> {
        let fields = (
            a_conversation(),
            0..=MAX_INTEGER,
            option::of(any::<u64>()),
            frame(),
        );
        fields.prop_map(|(conversation, seq, session, frame)| NoticeKind::Message {
            conversation,
            seq: Seq::new(seq).unwrap(),
            session: session.map(SessionId::new),
            frame,
        })
    }

    fn a_kind() -> impl Strategy<Value = NoticeKind> {
        prop_oneof![
            a_message(),
            frame().prop_map(|frame| NoticeKind::Event { frame }),
            (a_device(), any::<u64>()).prop_map(|(device, epoch)| NoticeKind::DeviceOpened { device, epoch }),
            id().prop_map(|id| NoticeKind::MembershipChanged {
                group: GroupId::new(id).unwrap()
            }),
            option::of(a_device()).prop_map(|device| NoticeKind::Expelled { device }),
        ]
    }

    fn a_notice() -> impl Strategy<Value = Notice> {
        (a_topic(), "[A-Za-z0-9._:-]{1,64}", a_kind()).prop_map(|(topic, origin, kind)| Notice {
            topic,
            origin: NodeId::parse(&origin).unwrap(),
            kind,
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_as_it_was(notice in a_notice()) {
            let payload = Bytes::from(encode(&notice));
            prop_assert_eq!(decode(notice.topic, payload), Ok(notice));
        }

        #[test]
        fn a_topics_channel_names_it(topic in a_topic()) {
            prop_assert_eq!(super::topic("p:1", channel("p:1", topic).as_bytes()), Some(topic));
            prop_assert_eq!(super::topic("p", channel("p:1", topic).as_bytes()), None);
        }

        #[test]
        fn any_bytes_are_read_or_skipped(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let topic = Topic::User(UserId::new(1).unwrap());
            if let Ok(notice) = decode(topic, bytes.clone().into()) {
                prop_assert_eq!(bytes[0], VERSION);
                prop_assert!(encode(&notice).len() <= bytes.len());
            }
        }

        #[test]
        fn a_payload_cut_short_is_no_other_notice(notice in a_notice(), cut in 0..100_usize) {
            let bytes = encode(&notice);
            let cut = cut.min(bytes.len());
            if let Ok(other) = decode(notice.topic, Bytes::from(bytes).slice(..cut)) {
                // Only a frame can be shorter, and nobody can tell that it is.
                prop_assert_eq!(kind_of(&other.kind), kind_of(&notice.kind));
                prop_assert_eq!(other.origin, notice.origin);
            }
        }
    }

    #[test]
    fn a_message_has_its_frame_at_the_end_as_it_is() {
        let frame = "{\"type\":\"message\"}";
        let notice = Notice {
            topic: Topic::User(UserId::new(9).unwrap()),
            origin: NodeId::parse("n1").unwrap(),
            kind: NoticeKind::Message {
                conversation: ConversationId::group(GroupId::new(3).unwrap()),
                seq: Seq::new(0x0102).unwrap(),
                session: None,
                frame: Bytes::from(frame),
            },
        };
        let header = b"\x01\x01\x02n1\x01\x03\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0";
        assert_eq!(encode(&notice), [header, frame.as_bytes()].concat());
    }

    #[test]
    fn other_versions_and_kinds_are_told_apart_from_rubbish() {
        let topic = Topic::User(UserId::new(1).unwrap());
        let decode = |bytes: &'static [u8]| decode(topic, Bytes::from_static(bytes)).unwrap_err();
        assert_eq!(decode(b"\x02\x01\x02n1"), Skipped::Version);
        assert_eq!(decode(b"\x01\x63\x02n1"), Skipped::Kind);
        assert_eq!(decode(b"\x01\x02\x02n"), Skipped::Malformed);
        assert_eq!(decode(b""), Skipped::Malformed);
    }
}
