//! Many notices as one message on a channel.
//!
//! A payload is a byte for the version, the node of origin (a byte for its length, and its name), and then entries: the
//! length of each in 4 bytes, little-endian, and a notice as the [codec](super::codec) has it.

use std::collections::BTreeMap;

use chat_core::ports::{Notice, Topic};
use chat_core::types::NodeId;

use super::channels::{Channels, Number};
use super::codec::{Entry, Input, MOST_TOPICS, Skipped, encode, put_text, room};

const VERSION: u8 = 2;

/// Bytes of a payload beyond which another one is begun; a single notice may be longer.
const PAYLOAD_BYTES: usize = 256 * 1_024;
/// The bytes of an entry's length.
const LENGTH: usize = size_of::<u32>();

/// A message on a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) channel: Number,
    pub(super) bytes: Vec<u8>,
}

/// Notices as few payloads, those of each channel in their order. Equal notices for several topics that follow each other
/// are carried once a channel: a direct message has two, the presence of a user as many as they have friends.
pub(super) fn pack(notices: &[Notice], channels: &Channels) -> Vec<Payload> {
    let mut packer = Packer::default();
    let is_same = |one: &Notice, other: &Notice| one.kind == other.kind && one.origin == other.origin;
    let mut topics = Vec::new();
    for same in notices
        .chunk_by(is_same)
        .flat_map(|same| same.chunks(MOST_TOPICS))
    {
        topics.clear();
        topics.extend(
            same.iter()
                .map(|notice| (channels.of(notice.topic), notice.topic)),
        );
        topics.sort_by_key(|(channel, _)| *channel);
        for topics in topics.chunk_by(|(one, _), (other, _)| one == other) {
            if let (Some(notice), Some((channel, _))) = (same.first(), topics.first()) {
                packer.add(*channel, notice, topics);
            }
        }
    }
    packer.finish()
}

#[derive(Default)]
struct Packer<'a> {
    full: Vec<Payload>,
    open: BTreeMap<Number, Open<'a>>,
}

/// A payload that takes further notices of its origin.
struct Open<'a> {
    origin: &'a NodeId,
    bytes: Vec<u8>,
}

impl<'a> Open<'a> {
    fn new(origin: &'a NodeId, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(2 + origin.as_str().len() + room);
        bytes.push(VERSION);
        put_text(&mut bytes, origin.as_str());
        Self { origin, bytes }
    }

    fn takes(&self, origin: &NodeId, room: usize) -> bool {
        self.origin == origin && self.bytes.len() + room <= PAYLOAD_BYTES
    }
}

impl<'a> Packer<'a> {
    fn add(&mut self, channel: Number, notice: &'a Notice, topics: &[(Number, Topic)]) {
        let room = LENGTH + room(notice, topics.len());
        let origin = &notice.origin;
        let open = self
            .open
            .entry(channel)
            .or_insert_with(|| Open::new(origin, room));
        if !open.takes(origin, room) {
            let bytes = std::mem::replace(open, Open::new(origin, room)).bytes;
            self.full.push(Payload { channel, bytes });
        }
        let begin = open.bytes.len();
        open.bytes.extend([0; LENGTH]);
        encode(notice, topics.iter().map(|(_, topic)| *topic), &mut open.bytes);
        let length = open.bytes.len() - begin - LENGTH;
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(place) = open.bytes.get_mut(begin..begin + LENGTH) {
            place.copy_from_slice(&length);
        }
    }

    fn finish(self) -> Vec<Payload> {
        let mut payloads = self.full;
        let open = self.open.into_iter();
        payloads.extend(open.map(|(channel, Open { bytes, .. })| Payload { channel, bytes }));
        payloads
    }
}

/// A payload that is being read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) origin: &'a str,
    rest: Input<'a>,
}

impl<'a> Reading<'a> {
    pub(super) fn open(payload: &'a [u8]) -> Result<Self, Skipped> {
        let mut rest = Input(payload);
        if rest.byte()? != VERSION {
            return Err(Skipped::Version);
        }
        let origin = rest.text()?;
        Ok(Self { origin, rest })
    }

    /// The next entry. Nothing can be read after a malformed one.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'a>>, Skipped> {
        if self.rest.0.is_empty() {
            return Ok(None);
        }
        let length = self.rest.length()?;
        Entry::open(self.rest.take(length)?).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chat_core::ports::NoticeKind;
    use chat_core::types::{ConversationId, Device, GroupId, MAX_INTEGER, Seq, SessionId, UserId};
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

    fn an_origin() -> impl Strategy<Value = NodeId> {
        prop_oneof!["n1", "[A-Za-z0-9._:-]{1,64}"].prop_map(|name| NodeId::parse(&name).unwrap())
    }

    /// Notices, some of them for several topics.
    fn notices() -> impl Strategy<Value = Vec<Notice>> {
        let same = (an_origin(), a_kind(), prop::collection::vec(a_topic(), 1..4));
        let same = same.prop_map(|(origin, kind, topics)| {
            let notice = move |topic| Notice {
                topic,
                origin: origin.clone(),
                kind: kind.clone(),
            };
            topics.into_iter().map(notice).collect::<Vec<_>>()
        });
        prop::collection::vec(same, 0..12).prop_map(|notices| notices.concat())
    }

    fn unpack(payload: &[u8]) -> Result<Vec<Notice>, Skipped> {
        let mut reading = Reading::open(payload)?;
        let origin = NodeId::parse(reading.origin).map_err(|_| Skipped::Malformed)?;
        let mut notices = Vec::new();
        while let Some(entry) = reading.next()? {
            let kind = entry.kind()?;
            notices.extend(entry.topics().map(|topic| Notice {
                topic,
                origin: origin.clone(),
                kind: kind.clone(),
            }));
        }
        Ok(notices)
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_as_it_was_in_the_order_of_each_channel(
            notices in notices(), count in 1..20_u16,
        ) {
            let channels = Channels::new("chat", count);
            let payloads = pack(&notices, &channels);
            for channel in 0..count {
                let of_channel = payloads.iter().filter(|payload| payload.channel == channel);
                let read: Vec<_> = of_channel.flat_map(|payload| unpack(&payload.bytes).unwrap()).collect();
                let expected = notices.iter().filter(|notice| channels.of(notice.topic) == channel);
                prop_assert_eq!(read, expected.cloned().collect::<Vec<_>>());
            }
        }

        #[test]
        fn any_bytes_are_read_or_skipped(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack(&bytes);
            let hostile = [b"\x02\x02n1".as_slice(), &bytes].concat();
            let _ = unpack(&hostile);
            let hostile = [b"\x02\x02n1", 60_u32.to_le_bytes().as_slice(), &bytes].concat();
            let _ = unpack(&hostile);
        }

        #[test]
        fn of_a_payload_cut_short_only_whole_entries_are_read(notices in notices(), cut in 0..4_000_usize) {
            for payload in pack(&notices, &Channels::new("chat", 1)) {
                let whole = unpack(&payload.bytes).unwrap();
                let cut = cut.min(payload.bytes.len());
                if let Ok(read) = unpack(&payload.bytes[..cut]) {
                    prop_assert!(whole.starts_with(&read));
                    prop_assert!(read.len() < whole.len() || cut == payload.bytes.len());
                }
            }
        }

        #[test]
        fn a_byte_that_was_changed_does_no_harm(
            notices in notices(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            for mut payload in pack(&notices, &Channels::new("chat", 1)) {
                let place = place.index(payload.bytes.len());
                payload.bytes[place] = byte;
                let _ = unpack(&payload.bytes);
            }
        }
    }

    fn origin() -> NodeId {
        NodeId::parse("n1").unwrap()
    }

    fn user(id: u64) -> Topic {
        Topic::User(UserId::new(id).unwrap())
    }

    fn message(topic: Topic, frame: impl Into<Bytes>) -> Notice {
        Notice {
            topic,
            origin: origin(),
            kind: NoticeKind::Message {
                conversation: ConversationId::direct(UserId::new(3).unwrap(), UserId::new(9).unwrap()),
                seq: Seq::new(0x0102).unwrap(),
                session: None,
                frame: frame.into(),
            },
        }
    }

    #[test]
    fn a_direct_message_has_both_its_topics_and_its_frame_once_as_it_is() {
        let frame = "{\"type\":\"message\"}";
        let payloads = pack(
            &[message(user(3), frame), message(user(9), frame)],
            &Channels::new("chat", 1),
        );
        let header = b"\x02\x02n1\x40\0\0\0\x01\x02\0\x03\0\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0";
        let fields = b"\0\x03\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0";
        let bytes = [header.as_slice(), fields, frame.as_bytes()].concat();
        assert_eq!(payloads, [Payload { channel: 0, bytes }]);
    }

    #[test]
    fn a_payload_is_bounded_but_for_a_notice_that_is_longer_by_itself() {
        let lengths = |notices: &[Notice]| -> Vec<usize> {
            let payloads = pack(notices, &Channels::new("chat", 1));
            payloads.iter().map(|payload| payload.bytes.len()).collect()
        };
        let small: Vec<_> = (1..=5_000)
            .map(|id| message(user(id), vec![b'x'; 300 + (id % 7) as usize]))
            .collect();
        let small = lengths(&small);
        assert!(
            small.len() > 5 && small.iter().all(|&length| length <= PAYLOAD_BYTES),
            "{small:?}"
        );
        let large = message(user(1), vec![b'x'; PAYLOAD_BYTES]);
        let (before, after) = (message(user(1), "before"), message(user(1), "after"));
        let lengths = lengths(&[before, large, after]);
        assert_eq!(lengths.len(), 3);
        assert!(lengths[1] > PAYLOAD_BYTES);
    }

    #[test]
    fn other_versions_and_kinds_are_told_apart_from_rubbish() {
        let skipped = |bytes: &[u8]| unpack(bytes).unwrap_err();
        assert_eq!(skipped(b"\x01\x01\x02n1"), Skipped::Version);
        assert_eq!(skipped(b"\x02\x02n1\x02\0\0\0\x63\0"), Skipped::Kind);
        assert_eq!(skipped(b"\x02\x02n1\x03\0\0\0\x02\0"), Skipped::Malformed);
        assert_eq!(skipped(b"\x02\x02n"), Skipped::Malformed);
        assert_eq!(skipped(b""), Skipped::Malformed);
    }
}
