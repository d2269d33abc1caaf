//! Values of every type that is sent.

use std::fmt::Debug;
use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::*;
use chat_core::types::*;
use proptest::prelude::*;

/// A value of any kind that its type can hold.
pub(super) trait Sample: Debug + Sized + 'static {
    fn sample() -> BoxedStrategy<Self>;
}

/// Defines what values a type has: those made by a function from other samples.
macro_rules! samples {
    ($($type:ty: $strategy:expr => $make:expr;)*) => {$(
        impl Sample for $type {
            fn sample() -> BoxedStrategy<Self> {
                $strategy.prop_map($make).boxed()
            }
        }
    )*};
}

macro_rules! tuples {
    ($($part:ident)+) => {
        impl<$($part: Sample),+> Sample for ($($part,)+) {
            fn sample() -> BoxedStrategy<Self> {
                ($($part::sample(),)+).boxed()
            }
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

impl Sample for () {
    fn sample() -> BoxedStrategy<Self> {
        Just(()).boxed()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample() -> BoxedStrategy<Self> {
        proptest::option::of(T::sample()).boxed()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample() -> BoxedStrategy<Self> {
        proptest::collection::vec(T::sample(), 0..4).boxed()
    }
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![1..=20_u64, 1..=MAX_INTEGER, Just(MAX_INTEGER)]
}

fn of<T: Sample>() -> BoxedStrategy<T> {
    T::sample()
}

samples! {
    bool: any::<bool>() => |value| value;
    u64: any::<u64>() => |value| value;
    usize: any::<usize>() => |value| value;
    UserId: id() => |id| Self::new(id).unwrap();
    GroupId: id() => |id| Self::new(id).unwrap();
    Seq: 0..=MAX_INTEGER => |seq| Self::new(seq).unwrap();
    Timestamp: 0..=MAX_INTEGER => Self::from_millis;
    Duration: any::<u64>() => Self::from_millis;
    Device: "[A-Za-z0-9._-]{1,64}" => |text: String| Self::parse(&text).unwrap();
    MessageId: "[A-Za-z0-9._:-]{1,64}" => |text: String| Self::parse(&text).unwrap();
    UserName: "[a-zà-ÿ一-龥]{1,50}" => |text: String| Self::parse(&text).unwrap();
    GroupName: "[a-zà-ÿ一-龥]{1,50}" => |text: String| Self::parse(&text).unwrap();
    Description: ".{0,50}" => |text: String| Self::parse(&text).unwrap();
    Body: "(?s).{1,200}" => |text: String| Self::parse(&text).unwrap();
    Data: ".{0,50}" => |text: String| Self::parse(&serde_json::json!({"text": text}).to_string()).unwrap();
    PasswordHash: ".{0,50}" => |text: String| Self::new(text);
    TokenHash: any::<[u8; 32]>() => Self::from_bytes;
    ConversationId: (of(), of::<Option<UserId>>(), of()) => |(one, other, group)| {
        other.map_or_else(|| Self::group(group), |other| Self::direct(one, other))
    };
    User: of() => |(id, name)| Self { id, name };
    Group: of() => |(id, name, description, members)| Self { id, name, description, members };
    Role: any::<bool>() => |creator| if creator { Self::Creator } else { Self::Normal };
    MessageIdOrigin: any::<bool>() => |client| if client { Self::Client } else { Self::Node };
    SendPolicy: 0..3usize => |place| [Self::Anyone, Self::Friends, Self::System][place];
    GroupMembership: of() => |(group, role, joined_seq)| Self { group, role, joined_seq };
    Member: of() => |(user, role)| Self { user, role };
    Message: of() => |((conversation, seq, from, id), (id_origin, body, data, at))| Self {
        conversation, seq, from, id, id_origin, body, data, at
    };
    NewMessage: of() => |((conversation, sender, id, id_origin), (body, data, at, policy))| Self {
        conversation, sender, id, id_origin, body, data, at, policy
    };
    MessageRange: of() => |(conversation, after, limit)| Self { conversation, after, limit };
    ConversationHead: of() => |(position, last_message)| Self { position, last_message };
    Position: of() => |(conversation, last_seq, acked_seq)| Self { conversation, last_seq, acked_seq };
    CursorAdvance: of() => |(user, device, conversation, seq)| Self { user, device, conversation, seq };
    DeviceSession: of() => |epoch| Self { epoch };
    StoredToken: of() => |(user, expires_at)| Self { user, expires_at };
    Credentials: of() => |(user, password)| Self { user, password };
    Contacts: of() => |(friends, memberships)| Self { friends, memberships };
    SessionStart: of() => |(contacts, positions, messages)| Self { contacts, positions, messages };
    NewUser: of() => |(id, name, password)| Self { id, name, password };
    NewGroup: of() => |(id, name, description, creator)| Self { id, name, description, creator };
    UserSelector: of() => |(id, name): (Option<UserId>, UserName)| id.map_or(Self::Name(name), Self::Id);
    CreateUser: (0..3, of()) => |(which, user)| match which {
        0 => Self::Created(user),
        1 => Self::NameTaken(user),
        _ => Self::IdTaken(user),
    };
    CreateGroup: (0..5, of()) => |(which, membership)| match which {
        0 => Self::Created(membership),
        1 => Self::NameTaken,
        2 => Self::IdTaken,
        3 => Self::NoSuchUser,
        _ => Self::TooMany,
    };
    JoinGroup: (0..4, of()) => |(which, membership)| match which {
        0 => Self::Joined(membership),
        1 => Self::AlreadyMember(membership),
        2 => Self::NotFound,
        _ => Self::TooMany,
    };
    Appended: (0..5, of(), of()) => |(which, seq, at)| match which {
        0 => Self::Stored { seq },
        1 => Self::Duplicate { seq, at },
        2 => Self::NotMember,
        3 => Self::NotFriends,
        _ => Self::NotFound,
    };
    AddFriend: 0..4 => |which| match which {
        0 => Self::Added,
        1 => Self::AlreadyFriends,
        2 => Self::NoSuchUser,
        _ => Self::TooMany,
    };
    RemoveFriend: any::<bool>() => |removed| if removed { Self::Removed } else { Self::WereNotFriends };
    LeaveGroup: 0..3 => |which| match which {
        0 => Self::Left,
        1 => Self::WasNoMember,
        _ => Self::NoSuchGroup,
    };
}
