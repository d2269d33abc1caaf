use chat_core::GoodbyeCode;
use chat_core::faulty::{Fault, Faults};
use chat_core::protocol::{Event, Login};
use chat_core::types::Password;
use tokio::time::timeout;

use crate::fixture::{LONG, World, message, next_message, session, session_on, user};

#[tokio::test(start_paused = true)]
async fn without_a_bus_messages_between_nodes_arrive_by_pull() {
    let world = World::default();
    let (here, there) = (world.chat(), world.chat());
    let (alice, bob) = (user(&here, "alice").await, user(&here, "bob").await);
    let alice = session(&here, &alice).await;
    let mut bob = session(&there, &bob).await;
    assert_eq!(bob.next_event().await, Some(Event::Synced));
    world.bus.away("publish", Fault::FailBefore);
    for number in 1..=3 {
        let message = message(bob.user(), &format!("m-{number}"));
        alice.send(message).await.unwrap();
        assert_eq!(next_message(&mut bob).await.seq.get(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_starts_without_a_bus_and_finds_it_later() {
    let world = World::default();
    world.bus.away(Faults::ANY, Fault::FailBefore);
    let (here, there) = (world.chat(), world.chat());
    let (alice, bob) = (user(&here, "alice").await, user(&here, "bob").await);
    let alice = session(&here, &alice).await;
    let mut bob = session(&there, &bob).await;
    assert_eq!(bob.next_event().await, Some(Event::Synced));
    alice.send(message(bob.user(), "m-1")).await.unwrap();
    assert_eq!(next_message(&mut bob).await.seq.get(), 1);
    world.bus.clear();
    alice.send(message(bob.user(), "m-2")).await.unwrap();
    assert_eq!(next_message(&mut bob).await.seq.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn logins_work_without_presence() {
    let world = World::default();
    world.presence.away(Faults::ANY, Fault::FailBefore);
    let chat = world.chat();
    let password = Password::parse("correct horse").unwrap();
    let name = chat_core::types::UserName::parse("alice").unwrap();
    chat.register(name.clone(), &password).await.unwrap();
    let bob = user(&chat, "bob").await;
    let alice = chat
        .login(Login::password(name.clone(), password.clone()))
        .await
        .unwrap();
    alice
        .add_friend(chat_core::protocol::UserSelector::Id(bob.id))
        .await
        .unwrap();
    drop(alice);
    let alice = chat.login(Login::password(name, password)).await.unwrap();
    let friends = &alice.welcome().friends;
    assert_eq!(friends.len(), 1);
    assert!(!friends[0].online);
}

#[tokio::test(start_paused = true)]
async fn of_two_sessions_of_one_device_on_two_nodes_the_newer_stays() {
    let world = World::default();
    let (here, there) = (world.chat(), world.chat());
    let (alice, bob) = (user(&here, "alice").await, user(&here, "bob").await);
    let mut older = session_on(&here, &alice, "laptop").await;
    let mut newer = session_on(&there, &alice, "laptop").await;
    let ending = async { while older.next_event().await.is_some() {} };
    timeout(LONG, ending).await.expect("the older session ends");
    assert_eq!(older.goodbye().unwrap().code, GoodbyeCode::Replaced);
    assert!(older.send(message(&bob, "m-1")).await.is_err());

    let bob = session(&here, &bob).await;
    bob.send(message(&alice, "m-1")).await.unwrap();
    assert_eq!(next_message(&mut newer).await.seq.get(), 1);
    assert_eq!(newer.goodbye(), None);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_device_was_opened_elsewhere_ends_though_the_bus_lost_the_notice() {
    let world = World::default();
    let (here, there) = (world.chat(), world.chat());
    let alice = user(&here, "alice").await;
    let mut phone = session_on(&here, &alice, "phone").await;
    let mut older = session_on(&here, &alice, "laptop").await;
    world.bus.lose_notices(1, 1_000);
    let mut newer = session_on(&there, &alice, "laptop").await;
    let ending = async { while older.next_event().await.is_some() {} };
    timeout(LONG, ending).await.expect("the older session ends");
    assert_eq!(older.goodbye().unwrap().code, GoodbyeCode::Replaced);

    let bob = user(&here, "bob").await;
    let bob = session(&here, &bob).await;
    bob.send(message(&alice, "m-1")).await.unwrap();
    for session in [&mut newer, &mut phone] {
        assert_eq!(next_message(session).await.seq.get(), 1);
        assert_eq!(session.goodbye(), None);
    }
}
