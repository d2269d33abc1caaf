use std::time::Duration;

use chat_core::faulty::Fault;
use chat_core::types::ConversationId;
use tokio::runtime::Handle;

use crate::fixture::{World, connection, frames_until, message, session, user};

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_answered_before_a_draining_node_says_goodbye() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let mut connection = connection(&chat, &alice).await;
    world.store.away("append", Fault::Delay(Duration::from_secs(1)));
    let send = format!(r#"{{"type":"send","to":{{"user":{}}},"body":"note"}}"#, alice.id);
    for _ in 0..3 {
        connection.receive(send.as_bytes());
    }
    let reading = async {
        let frames = frames_until(&mut connection, "goodbye").await;
        drop(connection);
        frames
    };
    let ((), frames) = tokio::join!(chat.drain(Duration::ZERO), reading);
    let types: Vec<_> = frames
        .iter()
        .map(|frame| frame["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["sent", "sent", "sent", "goodbye"]);
    assert_eq!(frames[3]["code"], "server_draining");
    let notes = ConversationId::direct(alice.id, alice.id);
    assert_eq!(world.stored(notes).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_shut_down_leaves_no_task() {
    let world = World::default();
    let chat = world.chat();
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let alice = session(&chat, &alice).await;
    alice.send(message(&bob, "m-1")).await.unwrap();
    assert!(Handle::current().metrics().num_alive_tasks() > 0);
    chat.shutdown().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    assert!(alice.send(message(&bob, "m-2")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_node_without_a_store_can_be_shut_down() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let alice = session(&chat, &alice).await;
    world
        .store
        .away(chat_core::faulty::Faults::ANY, Fault::FailBefore);
    world.bus.away(chat_core::faulty::Faults::ANY, Fault::FailBefore);
    let (sent, ()) = tokio::join!(alice.send(message(alice.user(), "m-1")), chat.shutdown());
    assert!(sent.is_err());
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}
