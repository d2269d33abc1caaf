//! Joins and leaves whose answers were lost.

use std::time::Duration;

use chat_core::faulty::Fault;
use chat_core::protocol::{CreateGroup, Event, OutgoingMessage, Recipient};
use chat_core::types::{ConversationId, GroupId, MessageId};
use chat_core::{Chat, ErrorCode, Limits, Session};
use tokio::time::timeout;

use crate::fixture::{LONG, World, message, next_message, session, session_on, user};

/// Bob owns a group; Alice has a session on each of two nodes.
struct Scene {
    group: GroupId,
    bob: Session,
    alice: [Session; 2],
    _nodes: [Chat; 2],
}

async fn scene(world: &World) -> Scene {
    // Nothing is found by a pull.
    let limits = || Limits {
        pull_interval: Duration::from_secs(86_400),
        ..Limits::default()
    };
    let nodes = [world.chat_with(limits()), world.chat_with(limits())];
    let [here, there] = &nodes;
    let (alice, bob) = (user(here, "alice").await, user(here, "bob").await);
    let bob = session(here, &bob).await;
    let new = CreateGroup {
        name: "readers".parse().unwrap(),
        description: "".parse().unwrap(),
    };
    let group = bob.create_group(new).await.unwrap().id;
    let mut alice = [
        session_on(here, &alice, "desk").await,
        session_on(there, &alice, "phone").await,
    ];
    for session in &mut alice {
        assert_eq!(session.next_event().await, Some(Event::Synced));
    }
    Scene {
        group,
        bob,
        alice,
        _nodes: nodes,
    }
}

fn to_group(group: GroupId, id: &str) -> OutgoingMessage {
    let message = OutgoingMessage::text(Recipient::Group(group), "hello").unwrap();
    message.with_id(MessageId::parse(id).unwrap())
}

#[tokio::test(start_paused = true)]
async fn who_joins_again_because_no_answer_came_gets_the_messages() {
    let world = World::default();
    let mut scene = scene(&world).await;
    world.store.next_calls("join_group", 1, Fault::FailAfter);
    let lost = scene.alice[0].join_group(scene.group).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::Unavailable);
    scene.alice[0].join_group(scene.group).await.unwrap();
    for session in &mut scene.alice {
        // It looks at its membership when it is asked for its next event.
        let nothing = timeout(Duration::from_secs(1), next_message(session)).await;
        assert!(nothing.is_err(), "{nothing:?}");
    }
    scene.bob.send(to_group(scene.group, "m-1")).await.unwrap();
    for session in &mut scene.alice {
        let message = next_message(session).await;
        let conversation = ConversationId::group(scene.group);
        assert_eq!((message.conversation, message.seq.get()), (conversation, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_again_because_no_answer_came_gets_no_more_messages() {
    let world = World::default();
    let mut scene = scene(&world).await;
    scene.alice[0].join_group(scene.group).await.unwrap();
    scene.bob.send(to_group(scene.group, "m-1")).await.unwrap();
    for session in &mut scene.alice {
        assert_eq!(next_message(session).await.seq.get(), 1);
    }
    world.store.next_calls("leave_group", 1, Fault::FailAfter);
    let lost = scene.alice[0].leave_group(scene.group).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::Unavailable);
    let again = scene.alice[0].leave_group(scene.group).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::Forbidden);
    scene.bob.send(to_group(scene.group, "m-2")).await.unwrap();
    let alice = scene.alice[0].user().clone();
    scene.bob.send(message(&alice, "m-3")).await.unwrap();
    for session in &mut scene.alice {
        let conversation = ConversationId::direct(alice.id, scene.bob.user().id);
        assert_eq!(next_message(session).await.conversation, conversation);
        let more = timeout(LONG / 2, session.next_event()).await;
        assert!(more.is_err(), "{more:?}");
    }
}
