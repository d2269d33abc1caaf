//! Every value survives the way there and back, and no message makes the reader panic.

mod samples;

use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::*;
use chat_core::types::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use self::samples::Sample;
use super::super::proto;
use super::{Invalid, Wire};

/// Sends a value, answers what arrives, and has the reader read all kinds of damaged messages.
fn sent<M: prost::Message + Default, T: Wire<M>>(value: &T, at: usize, noise: &[u8]) -> T {
    let bytes = value.to_wire().encode_to_vec();
    let at = at % (bytes.len() + 1);
    let mut overwritten = bytes.clone();
    for (byte, noise) in overwritten.iter_mut().skip(at).zip(noise) {
        *byte = *noise;
    }
    let cut: Vec<u8> = bytes.iter().take(at).chain(noise).copied().collect();
    for damaged in [&overwritten, &cut, noise] {
        if let Ok(message) = M::decode(damaged) {
            let _: Result<T, Invalid> = T::from_wire(message);
        }
    }
    T::from_wire(M::decode(bytes.as_slice()).unwrap()).unwrap()
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

/// Defines a test that sends values in messages.
macro_rules! survive {
    ($($test:ident { $($message:ident: $kind:ty,)+ })+) => {$(
        proptest! {
            #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
            #[test]
            fn $test(seed in any::<[u8; 32]>(), at in any::<usize>(), noise in noise()) {
                let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
                let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), random);
                $(
                    let value = <$kind>::sample().new_tree(&mut runner).unwrap().current();
                    prop_assert_eq!(&sent::<proto::$message, $kind>(&value, at, &noise), &value);
                )+
            }
        }
    )+};
}

survive! {
    accounts_arrive_as_they_were_sent {
        CreateUserResponse: CreateUser,
        CredentialsRequest: UserSelector,
        CredentialsResponse: Option<Credentials>,
        UsersRequest: Vec<UserId>,
        UsersResponse: Vec<User>,
        SetStatesRequest: (Vec<UserId>, bool),
        SetStatesResponse: (),
        OnlineStatesRequest: (Option<UserId>, usize),
        OnlineStatesResponse: Vec<UserId>,
    }
    friendships_arrive_as_they_were_sent {
        AddFriendRequest: (UserId, UserId, usize),
        AddFriendResponse: AddFriend,
        RemoveFriendRequest: (UserId, UserId),
        RemoveFriendResponse: RemoveFriend,
        FriendsRequest: UserId,
        FriendsResponse: Vec<User>,
    }
    groups_arrive_as_they_were_sent {
        CreateGroupResponse: CreateGroup,
        JoinGroupRequest: (GroupId, UserId, usize, usize),
        JoinGroupResponse: JoinGroup,
        LeaveGroupRequest: (GroupId, UserId),
        LeaveGroupResponse: LeaveGroup,
        GroupRequest: GroupId,
        GroupResponse: Option<Group>,
        MembershipRequest: (GroupId, UserId),
        MembershipResponse: Option<GroupMembership>,
        MembershipsRequest: UserId,
        MembershipsResponse: Vec<GroupMembership>,
        MembersRequest: (GroupId, Option<UserId>, usize),
        MembersResponse: Vec<Member>,
        ChangedMembershipsRequest: (Duration, Option<(GroupId, UserId)>, usize),
        ChangedMembershipsResponse: Vec<(GroupId, UserId)>,
    }
    messages_arrive_as_they_were_sent {
        AppendRequest: Vec<NewMessage>,
        AppendResponse: Vec<Appended>,
        ReadAfterRequest: (ConversationId, Seq, usize),
        ReadAfterResponse: Vec<Message>,
        ReadRangesRequest: Vec<MessageRange>,
        ReadRangesResponse: Vec<Message>,
        ReadBeforeRequest: (ConversationId, Option<Seq>, usize),
        ReadBeforeResponse: Vec<Message>,
        HeadsRequest: (UserId, Device, usize),
        HeadsResponse: Vec<ConversationHead>,
        ChangedConversationsRequest: (Duration, Option<ConversationId>, usize),
        ChangedConversationsResponse: Vec<(ConversationId, Seq)>,
    }
    devices_arrive_as_they_were_sent {
        OpenDeviceRequest: (UserId, Device, Timestamp, usize),
        OpenDeviceResponse: DeviceSession,
        OpenedDevicesRequest: (Duration, Option<(UserId, Device)>, usize),
        OpenedDevicesResponse: Vec<(UserId, Device, u64)>,
        SessionStartRequest: (UserId, Device, usize, usize),
        SessionStartResponse: SessionStart,
        PositionsRequest: (UserId, Device, Option<ConversationId>, usize),
        PositionsResponse: Vec<Position>,
        PositionRequest: (UserId, Device, ConversationId),
        PositionResponse: Option<Position>,
        AdvanceCursorsRequest: Vec<CursorAdvance>,
        AdvanceCursorsResponse: (),
    }
    tokens_arrive_as_they_were_sent {
        PutTokenRequest: (UserId, TokenHash, Timestamp, usize),
        PutTokenResponse: (),
        TokenRequest: (TokenHash, Timestamp),
        TokenResponse: Option<StoredToken>,
        RevokeTokenRequest: TokenHash,
        RevokeTokenResponse: (),
        RevokeTokensRequest: UserId,
        RevokeTokensResponse: (),
        PurgeTokensRequest: (Timestamp, usize),
        PurgeTokensResponse: usize,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn accounts_and_groups_to_be_made_arrive_as_they_were_sent(
        user in NewUser::sample(),
        request in <(NewGroup, usize)>::sample(),
        at in any::<usize>(),
        noise in noise(),
    ) {
        let back = sent::<proto::CreateUserRequest, _>(&user, at, &noise);
        prop_assert_eq!((back.id, back.name, back.password), (user.id, user.name, user.password));
        let (back, back_limit) = sent::<proto::CreateGroupRequest, _>(&request, at, &noise);
        let (group, limit) = request;
        prop_assert_eq!(
            (back.id, back.name, back.description, back.creator, back_limit),
            (group.id, group.name, group.description, group.creator, limit)
        );
    }
}

/// A message of another version, field by field.
fn refused<M, T: Wire<M>>(message: M) -> String {
    let read: Result<T, Invalid> = T::from_wire(message);
    read.err().unwrap().to_string()
}

#[test]
fn an_outcome_that_is_not_known_is_taken_for_its_fallback() {
    use proto::add_friend_response::Outcome;
    let answer = |outcome, fallback: Outcome| proto::AddFriendResponse {
        outcome,
        fallback: fallback.into(),
    };
    let added = AddFriend::from_wire(answer(77, Outcome::TooMany));
    assert_eq!(added, Ok(AddFriend::TooMany));
    for outcome in [77, 0] {
        let unknown = refused::<_, AddFriend>(answer(outcome, Outcome::Unspecified));
        assert_eq!(
            unknown,
            "the field `outcome` has a value that this version does not know"
        );
    }
    let known = AddFriend::from_wire(answer(Outcome::Added.into(), Outcome::TooMany));
    assert_eq!(known, Ok(AddFriend::Added));
    let member = proto::Member {
        user: Some(proto::User {
            id: 1,
            name: "alice".to_owned(),
        }),
        role: 9,
        role_fallback: proto::Role::Normal.into(),
    };
    assert_eq!(
        Member::from_wire(member).map(|member| member.role),
        Ok(Role::Normal)
    );
}

#[test]
fn what_cannot_be_right_is_told_by_its_field_and_not_by_its_content() {
    let user = |id, name: &str| {
        Some(proto::User {
            id,
            name: name.to_owned(),
        })
    };
    let message = |from| proto::Message {
        conversation: "d:1:2".to_owned(),
        seq: 1,
        from,
        id: "m-1".to_owned(),
        id_origin: proto::MessageIdOrigin::Client.into(),
        body: "hello".to_owned(),
        data: None,
        at: 1,
    };
    let read_after = |from| {
        refused::<_, Vec<Message>>(proto::ReadAfterResponse {
            messages: vec![message(from)],
        })
    };
    let integer = "must be an integer from 1 to 2^53 - 1";
    assert_eq!(read_after(None), "the field `messages.from` is missing");
    assert_eq!(
        read_after(user(0, "alice")),
        format!("the field `messages.from.id` {integer}")
    );
    assert_eq!(
        read_after(user(1 << 53, "alice")),
        format!("the field `messages.from.id` {integer}")
    );
    let name = read_after(user(1, " Mallory "));
    assert!(
        name.starts_with("the field `messages.from.name` must be") && !name.contains("Mallory"),
        "{name}"
    );
}

#[test]
fn a_request_that_cannot_be_right_is_told_by_its_field() {
    let reversed = proto::ReadAfterRequest {
        conversation: "d:2:1".to_owned(),
        after: 0,
        limit: 1,
    };
    let reversed = refused::<_, (ConversationId, Seq, usize)>(reversed);
    assert!(
        reversed.starts_with("the field `conversation` must be a conversation id"),
        "{reversed}"
    );
    let token = proto::RevokeTokenRequest {
        token_hash: vec![7; 31],
    };
    assert_eq!(
        refused::<_, TokenHash>(token),
        "the field `token_hash` must be 32 bytes"
    );
    let token = proto::PurgeTokensRequest {
        now: 1 << 53,
        limit: 1,
    };
    let late = refused::<_, (Timestamp, usize)>(token);
    assert!(late.starts_with("the field `now` must be at most"), "{late}");
    let nobody = refused::<_, UserSelector>(proto::CredentialsRequest { user: None });
    assert_eq!(nobody, "the field `user` is missing");
}

#[test]
fn a_window_is_never_shorter_than_it_was_asked_for() {
    assert_eq!(Duration::from_micros(1_500).to_wire(), 2);
    assert_eq!(Duration::from_millis(2).to_wire(), 2);
    assert_eq!(Duration::MAX.to_wire(), u64::MAX);
}
