//! Backends of other versions, by messages that are written out here: what a node of 1.0 makes of them.

use chat_core::BackendErrorKind::{self, Broken, NotDone, Unknown};
use chat_core::ports::{AddFriend, Appended, FriendStore, GroupStore, JoinGroup, MessageStore, UserStore};
use chat_core::types::{ConversationId, GroupId, Role, Seq};
use prost::Message;
use tonic::{Code, Status};

use crate::scene::{kind, message, new_user, ready, user};
use crate::scripted::{Answer, Scripted, refused};

/// A user with fields that 1.0 does not have.
#[derive(Clone, PartialEq, Message)]
struct User {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "90")]
    pronouns: String,
    #[prost(message, optional, tag = "91")]
    manager: Option<Box<Self>>,
}

#[derive(Clone, PartialEq, Message)]
struct UsersResponse {
    #[prost(message, repeated, tag = "1")]
    users: Vec<User>,
    #[prost(fixed64, tag = "17")]
    next_page: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Group {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "4")]
    members: u64,
    #[prost(bytes = "vec", tag = "30")]
    picture: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct GroupMembership {
    #[prost(message, optional, tag = "1")]
    group: Option<Group>,
    #[prost(int32, tag = "2")]
    role: i32,
    #[prost(int32, tag = "3")]
    role_fallback: i32,
    #[prost(uint64, tag = "4")]
    joined_seq: u64,
}

/// An outcome, as every answer with one begins; with a membership where it goes with it.
#[derive(Clone, PartialEq, Message)]
struct Outcome {
    #[prost(int32, tag = "1")]
    outcome: i32,
    #[prost(int32, tag = "2")]
    fallback: i32,
    #[prost(message, optional, tag = "3")]
    membership: Option<GroupMembership>,
    #[prost(string, tag = "40")]
    explanation: String,
}

#[derive(Clone, PartialEq, Message)]
struct AppendedMessage {
    #[prost(int32, tag = "1")]
    outcome: i32,
    #[prost(int32, tag = "2")]
    fallback: i32,
    #[prost(uint64, tag = "3")]
    seq: u64,
    #[prost(string, repeated, tag = "8")]
    mentions: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct AppendResponse {
    #[prost(message, repeated, tag = "1")]
    appended: Vec<AppendedMessage>,
}

fn outcome(outcome: i32, fallback: i32) -> Outcome {
    Outcome {
        outcome,
        fallback,
        explanation: "of a version to come".to_owned(),
        ..Outcome::default()
    }
}

/// A backend that answers every call with this message.
async fn answering(message: impl Message) -> Scripted {
    let bytes = message.encode_to_vec();
    Scripted::start(move |_| Answer::Message(bytes.clone())).await
}

#[tokio::test]
async fn fields_that_are_not_known_are_passed_over() {
    let alice = User {
        id: 7,
        name: "alice".to_owned(),
        pronouns: "she".to_owned(),
        manager: Some(Box::new(User::default())),
    };
    let answer = UsersResponse {
        users: vec![alice],
        next_page: 3,
    };
    let backend = answering(answer).await;
    let store = ready(&[backend.address()]).await;
    let users = store.users(&[user(7)]).await.unwrap();
    let names: Vec<_> = users
        .iter()
        .map(|user| (user.id.get(), user.name.as_str()))
        .collect();
    assert_eq!(names, [(7, "alice")]);
}

#[tokio::test]
async fn an_outcome_and_a_role_that_are_not_known_are_taken_for_their_fallbacks() {
    let membership = GroupMembership {
        group: Some(Group {
            id: 5,
            name: "group".to_owned(),
            members: 2,
            picture: vec![1, 2, 3],
        }),
        role: 77,
        role_fallback: 2,
        joined_seq: 4,
    };
    let answer = Outcome {
        membership: Some(membership),
        ..outcome(99, 2)
    };
    let backend = answering(answer).await;
    let store = ready(&[backend.address()]).await;
    let joined = store
        .join_group(GroupId::new(5).unwrap(), user(1), 9, 9)
        .await
        .unwrap();
    let JoinGroup::AlreadyMember(membership) = joined else {
        panic!("{joined:?}");
    };
    assert_eq!(membership.role, Role::Normal);
    assert_eq!((membership.group.id.get(), membership.joined_seq.get()), (5, 4));
}

#[tokio::test]
async fn an_outcome_without_a_known_fallback_is_broken_and_not_guessed() {
    for (number, fallback) in [(99, 0), (99, 98), (0, 0)] {
        let backend = answering(outcome(number, fallback)).await;
        let store = ready(&[backend.address()]).await;
        assert_eq!(kind(store.add_friend(user(1), user(2), 9).await), Broken);
        assert_eq!(backend.calls().len(), 1);
    }
    let backend = answering(outcome(99, 3)).await;
    let store = ready(&[backend.address()]).await;
    let added = store.add_friend(user(1), user(2), 9).await.unwrap();
    assert_eq!(added, AddFriend::NoSuchUser);
}

#[tokio::test]
async fn in_a_batch_each_message_has_its_own_outcome() {
    let appended = |outcome, fallback, seq| AppendedMessage {
        outcome,
        fallback,
        seq,
        mentions: vec!["bob".to_owned()],
    };
    let conversation = ConversationId::direct(user(1), user(2));
    let batch = ["m-1", "m-2"].map(|id| message(conversation, user(1), id));
    let backend = answering(AppendResponse {
        appended: vec![appended(1, 0, 12), appended(99, 3, 0)],
    })
    .await;
    let store = ready(&[backend.address()]).await;
    let seq = Seq::new(12).unwrap();
    let expected = [Appended::Stored { seq }, Appended::NotMember];
    assert_eq!(store.append(&batch).await.unwrap(), expected);
    let one_too_few = store.append(&[batch.as_slice(), &batch].concat()).await;
    assert_eq!(kind(one_too_few), Broken, "two answers for four messages");
}

#[tokio::test]
async fn a_reason_that_is_not_known_leaves_it_to_the_code() {
    use Code::{
        Aborted, AlreadyExists, Cancelled, DataLoss, DeadlineExceeded, FailedPrecondition, Internal,
        InvalidArgument, NotFound, OutOfRange, PermissionDenied, ResourceExhausted, Unauthenticated,
        Unavailable, Unimplemented,
    };
    let codes: [(Code, BackendErrorKind, usize); 16] = [
        (InvalidArgument, Broken, 1),
        (FailedPrecondition, Broken, 1),
        (OutOfRange, Broken, 1),
        (Unimplemented, Broken, 1),
        (ResourceExhausted, Broken, 1),
        (Internal, Broken, 1),
        (DataLoss, Broken, 1),
        (PermissionDenied, NotDone, 2),
        (Unauthenticated, NotDone, 2),
        (Cancelled, Unknown, 1),
        (Code::Unknown, Unknown, 1),
        (DeadlineExceeded, Unknown, 1),
        (NotFound, Unknown, 1),
        (AlreadyExists, Unknown, 1),
        (Aborted, Unknown, 1),
        (Unavailable, Unknown, 1),
    ];
    for (code, expected, attempts) in codes {
        let backend = Scripted::start(move |_| refused(code, "SOMETHING_NEW")).await;
        let store = ready(&[backend.address()]).await;
        assert_eq!(
            kind(store.create_user(&new_user("alice")).await),
            expected,
            "{code:?}"
        );
        assert_eq!(backend.calls().len(), attempts, "{code:?}");
    }
}

#[tokio::test]
async fn a_known_reason_counts_more_than_the_code() {
    let cases = [
        (Code::Internal, "NOT_DONE", NotDone),
        (Code::Unavailable, "BROKEN", Broken),
        (Code::PermissionDenied, "MAY_HAVE_HAPPENED", Unknown),
    ];
    for (code, reason, expected) in cases {
        let backend = Scripted::start(move |_| refused(code, reason)).await;
        let store = ready(&[backend.address()]).await;
        assert_eq!(
            kind(store.create_user(&new_user("alice")).await),
            expected,
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_call_that_an_older_backend_does_not_have_is_broken() {
    let backend = Scripted::start(|_| Answer::Status(Status::unimplemented(""))).await;
    let store = ready(&[backend.address()]).await;
    assert_eq!(kind(store.users(&[user(1)]).await), Broken);
    assert_eq!(backend.calls().len(), 1);
}
