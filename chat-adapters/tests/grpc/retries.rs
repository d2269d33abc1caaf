//! Which calls are made again, and where.

use chat_core::BackendErrorKind::{Broken, NotDone, Unknown};
use chat_core::ports::{DeviceStore, FriendStore, GroupStore, MessageStore, TokenStore, UserStore};
use chat_core::types::{ConversationId, Device, TokenHash};
use chat_core::{BackendErrorKind, Timestamp};

use crate::scene::{eventually, kind, message, new_group, new_user, ready, user};
use crate::scripted::{Answer, Scripted, broken, first_answers, may_have_happened, not_done};

/// What each kind of call comes to where the backend that is asked first answers `failure`, and the other an empty
/// message: what the port answered, and whether the other backend was asked.
async fn outcomes(failure: Answer) -> [(Option<BackendErrorKind>, bool); 4] {
    let mut outcomes = [(None, false); 4];
    for (number, outcome) in outcomes.iter_mut().enumerate() {
        let (one, two) = first_answers(failure.clone()).await;
        let store = ready(&[one.address(), two.address()]).await;
        eventually("both are connected", || one.watches() == 1 && two.watches() == 1).await;
        // Each of these calls can be answered by an empty message, or is told apart below.
        let result = match number {
            0 => store.users(&[user(1)]).await.map(drop),
            1 => store.set_states(&[user(1)], true).await,
            2 => store.create_user(&new_user("alice")).await.map(drop),
            _ => store
                .create_group(&new_group("group", user(1)), 9)
                .await
                .map(drop),
        };
        let asked = one.calls().len() + two.calls().len();
        let other = one.calls().len() == 1 && two.calls().len() == 1;
        assert!(other || asked == 1, "asked {asked} times");
        *outcome = (result.map_err(|error| error.kind()).err(), other);
        store.close().await;
    }
    outcomes
}

/// An empty message says of no creation what came of it.
const CREATED_NOTHING: (Option<BackendErrorKind>, bool) = (Some(Broken), true);

#[tokio::test]
async fn what_was_not_done_is_done_by_another_backend_whatever_it_is() {
    let expected = [(None, true), (None, true), CREATED_NOTHING, CREATED_NOTHING];
    assert_eq!(outcomes(not_done()).await, expected);
}

#[tokio::test]
async fn what_may_have_happened_is_repeated_unless_it_creates() {
    let expected = [
        (None, true),
        (None, true),
        (Some(Unknown), false),
        (Some(Unknown), false),
    ];
    assert_eq!(outcomes(may_have_happened()).await, expected);
    assert_eq!(outcomes(Answer::Cut).await, expected);
}

#[tokio::test]
async fn what_is_broken_is_never_repeated() {
    assert_eq!(outcomes(broken()).await, [(Some(Broken), false); 4]);
}

#[tokio::test]
async fn every_write_that_is_safe_to_repeat_is_repeated_and_no_call_more_than_once() {
    let backend = Scripted::start(|_| may_have_happened()).await;
    let store = ready(&[backend.address()]).await;
    let (one, two) = (user(1), user(2));
    let conversation = ConversationId::direct(one, two);
    let (device, token) = (Device::default(), TokenHash::from_bytes([7; 32]));
    let now = Timestamp::from_millis(1);
    let group = chat_core::types::GroupId::new(1).unwrap();
    let writes = [
        kind(store.set_states(&[one], true).await),
        kind(store.add_friend(one, two, 9).await),
        kind(store.remove_friend(one, two).await),
        kind(store.join_group(group, one, 9, 9).await),
        kind(store.leave_group(group, one).await),
        kind(store.append(&[message(conversation, one, "m")]).await),
        kind(store.open_device(one, &device, now, 9).await),
        kind(store.advance_cursors(&[]).await),
        kind(store.put_token(one, token, now, 9).await),
        kind(store.revoke_token(token).await),
        kind(store.revoke_tokens(one).await),
        kind(store.purge_tokens(now, 9).await),
    ];
    assert_eq!(writes, [Unknown; 12]);
    assert_eq!(backend.calls().len(), 24);
    assert_eq!(kind(store.friends(one).await), NotDone, "a read changes nothing");
    assert_eq!(kind(store.create_user(&new_user("alice")).await), Unknown);
    assert_eq!(backend.calls().len(), 27);
}

#[tokio::test]
async fn every_attempt_carries_its_deadline_and_the_trace_of_the_call() {
    let backend = Scripted::start(|_| not_done()).await;
    let options = chat_adapters::grpc::RemoteOptions {
        trace: || Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..crate::scene::within(2_000)
    };
    let store = crate::scene::store(&[backend.address()], options);
    let before = chat_core::Clock::now(&chat_core::SystemClock);
    assert_eq!(kind(store.create_user(&new_user("alice")).await), NotDone);
    let calls = backend.calls();
    assert_eq!(calls.len(), 2, "once more on the only backend that there is");
    assert_eq!(calls[0].message, calls[1].message);
    for call in calls {
        assert_eq!(call.method, "CreateUser");
        let header = |name: &str| call.metadata[name].to_str().unwrap().to_owned();
        assert_eq!(
            header("traceparent"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        );
        let expires: u64 = header("chat-expires-at").parse().unwrap();
        // To the millisecond, by a clock that may tick between two looks at it.
        let latest = before.as_millis() + 2_000;
        assert!(
            (latest - 5..=latest + 200).contains(&expires),
            "{expires} is not about {latest}"
        );
        let timeout = header("grpc-timeout");
        let unit = timeout.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let number: u64 = timeout.trim_end_matches(unit).parse().unwrap();
        let micros = match unit {
            "n" => number / 1_000,
            "u" => number,
            "m" => number * 1_000,
            _ => panic!("{timeout}"),
        };
        assert!((1_500_000..=2_000_000).contains(&micros), "{timeout}");
    }
}
