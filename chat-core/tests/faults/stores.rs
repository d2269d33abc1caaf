use std::time::Duration;

use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{CreateGroup, Event};
use chat_core::types::ConversationId;
use chat_core::{Chat, ErrorCode, Limits, Session};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::fixture::{LONG, World, message, next_message, session, user};

struct Pair {
    chat: Chat,
    alice: Session,
    bob: Session,
    conversation: ConversationId,
}

async fn pair(world: &World, limits: Limits) -> Pair {
    let chat = world.chat_with(limits);
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    Pair {
        conversation: ConversationId::direct(alice.id, bob.id),
        alice: session(&chat, &alice).await,
        bob: session(&chat, &bob).await,
        chat,
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refused_is_not_stored_and_the_same_id_is_stored_once_afterwards() {
    let world = World::default();
    let pair = pair(&world, Limits::default()).await;
    let message = message(pair.bob.user(), "m-1");
    world.store.away("append", Fault::FailBefore);
    let error = pair.alice.send(message.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(world.stored(pair.conversation).await.is_empty());

    world.store.clear();
    let sent = pair.alice.send(message.clone()).await.unwrap();
    assert_eq!((sent.seq.get(), sent.duplicate), (1, false));
    let again = pair.alice.send(message).await.unwrap();
    assert_eq!((again.seq, again.at, again.duplicate), (sent.seq, sent.at, true));
    assert_eq!(world.stored(pair.conversation).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_is_answered_once_and_stored_once() {
    let world = World::default();
    let mut pair = pair(&world, Limits::default()).await;
    world.store.next_calls("append", 1, Fault::FailAfter);
    let sent = pair.alice.send(message(pair.bob.user(), "m-1")).await.unwrap();
    assert_eq!((sent.seq.get(), sent.duplicate), (1, false));
    assert_eq!(world.store.calls("append"), 2);
    assert_eq!(world.stored(pair.conversation).await.len(), 1);

    pair.alice.send(message(pair.bob.user(), "m-2")).await.unwrap();
    assert_eq!(next_message(&mut pair.bob).await.seq.get(), 1);
    assert_eq!(next_message(&mut pair.bob).await.seq.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_every_answer_is_lost_a_send_is_unavailable_and_its_repetition_a_duplicate() {
    let world = World::default();
    let pair = pair(&world, Limits::default()).await;
    world.store.away("append", Fault::FailAfter);
    let message = message(pair.bob.user(), "m-1");
    let error = pair.alice.send(message.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    world.store.clear();
    let again = pair.alice.send(message).await.unwrap();
    assert_eq!((again.seq.get(), again.duplicate), (1, true));
    assert_eq!(world.stored(pair.conversation).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn sessions_outlive_a_store_that_is_away_for_long() {
    let world = World::default();
    let mut pair = pair(&world, Limits::default()).await;
    world.store.away(Faults::ANY, Fault::FailBefore);
    let error = pair
        .alice
        .send(message(pair.bob.user(), "m-1"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert_eq!(error.retry_delay(), Some(Limits::default().retry_after));
    let error = pair.bob.friends().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(!pair.chat.is_store_available());
    sleep(Duration::from_secs(600)).await;
    assert_eq!((pair.alice.goodbye(), pair.bob.goodbye()), (None, None));

    world.store.clear();
    pair.alice.send(message(pair.bob.user(), "m-1")).await.unwrap();
    assert_eq!(next_message(&mut pair.bob).await.seq.get(), 1);
    assert!(pair.chat.is_store_available());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_longer_than_allowed() {
    let world = World::default();
    let pair = pair(&world, Limits::default()).await;
    world
        .store
        .away("append", Fault::Delay(Duration::from_secs(3_600)));
    let sending = pair.alice.send(message(pair.bob.user(), "m-1"));
    let allowed = Limits::default().store_timeout * 2;
    let error = timeout(allowed, sending).await.expect("an answer").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_and_then_hangs_has_no_more_time_than_one_that_only_hangs() {
    let world = World::default();
    let pair = pair(&world, Limits::default()).await;
    let allowed = Limits::default().store_timeout;
    // The pause before a further attempt doubles up to a second: the last one begins shortly before the end.
    world.store.next_calls("append", 9, Fault::FailBefore);
    world.store.away("append", Fault::Delay(allowed * 10));
    let begun = Instant::now();
    let error = pair
        .alice
        .send(message(pair.bob.user(), "m-1"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert_eq!(world.store.calls("append"), 10);
    assert!(
        begun.elapsed() <= allowed + Duration::from_millis(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn failing_reads_only_delay_what_was_stored_before_a_login() {
    let world = World::default();
    // The first page comes with what the session begins with.
    let limits = Limits {
        delivery_page: 2,
        ..Limits::default()
    };
    let pair = pair(&world, limits).await;
    for number in 1..=5 {
        let message = message(pair.bob.user(), &format!("m-{number}"));
        pair.alice.send(message).await.unwrap();
    }
    let bob = pair.bob.user().clone();
    // Conversations of groups are listed by a read of their own.
    let group = CreateGroup {
        name: "group".parse().unwrap(),
        description: "".parse().unwrap(),
    };
    pair.bob.create_group(group).await.unwrap();
    drop(pair.bob);
    let mut bob = session(&pair.chat, &bob).await;
    world.store.next_calls("positions", 3, Fault::FailBefore);
    world.store.next_calls("read_ranges", 3, Fault::FailBefore);
    for number in 1..=5 {
        assert_eq!(next_message(&mut bob).await.seq.get(), number);
    }
    let synced = timeout(LONG, bob.next_event()).await.expect("an event comes");
    assert_eq!(synced, Some(Event::Synced));
    assert!(world.store.calls("positions") > 3);
    assert!(world.store.calls("read_ranges") > 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_of_messages_is_bounded_and_answered_in_time() {
    let world = World::default();
    let limits = Limits {
        writer_queue: 1,
        writer_batch: 1,
        ..Limits::default()
    };
    let pair = pair(&world, limits).await;
    world
        .store
        .away("append", Fault::Delay(Duration::from_secs(3_600)));
    let sends = (0..6).map(|number| pair.alice.send(message(pair.bob.user(), &format!("m-{number}"))));
    let mut sends = std::pin::pin!(join_all(sends));
    let early = timeout(Duration::from_secs(1), &mut sends).await;
    assert!(early.is_err(), "the store does not answer yet");
    assert_eq!(pair.chat.waiting_messages(), 1);
    for result in timeout(LONG, sends).await.expect("all are answered") {
        assert_eq!(result.unwrap_err().code(), ErrorCode::Unavailable);
    }
    world.store.clear();
    let sent = pair.alice.send(message(pair.bob.user(), "m-0")).await.unwrap();
    let stored = world.stored(pair.conversation).await;
    let same_id = stored.iter().filter(|message| message.id == sent.id);
    assert_eq!(same_id.count(), 1);
}
