//! Reading conversations that the application takes no part in.

use chat_core::ErrorCode;
use chat_core::protocol::{History, Recipient};
use chat_core::types::{ConversationId, GroupId, UserId};

use crate::fixture::{World, body, group_of, session, shop, text, user};

#[tokio::test(start_paused = true)]
async fn the_application_reads_the_conversations_of_others() {
    let world = World::default();
    let chat = world.chat();
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let session_of_alice = session(&chat, alice.id).await;
    let group = group_of(&session_of_alice).await;
    for to in [
        Recipient::User(bob.id),
        Recipient::Group(group),
        Recipient::User(alice.id),
    ] {
        session_of_alice.send(text(to, "hello")).await.unwrap();
    }

    let conversations = [
        ConversationId::direct(bob.id, alice.id),
        ConversationId::group(group),
        ConversationId::direct(alice.id, alice.id),
    ];
    for conversation in conversations {
        let page = chat.host().history(History::of(conversation)).await.unwrap();
        let texts: Vec<_> = page
            .messages
            .iter()
            .map(|message| message.body.as_str())
            .collect();
        assert_eq!((texts, page.more), (vec!["hello"], false), "{conversation}");
    }
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_page_has_200_messages_at_most_and_the_next_one_goes_on_before_it() {
    let world = World::default();
    let chat = world.chat();
    let group = group_of(&session(&chat, user(&chat, "alice").await.id).await).await;
    let shop = shop(&chat).await;
    for number in 1..=201 {
        shop.broadcast(group, body(&format!("{number}"))).await.unwrap();
    }

    let mut request = History::of(ConversationId::group(group));
    request.limit = u16::MAX;
    let last = chat.host().history(request).await.unwrap();
    assert_eq!((last.messages.len(), last.more), (200, true));
    request.before = last.messages.first().map(|message| message.seq);
    let first = chat.host().history(request).await.unwrap();
    let texts: Vec<_> = first
        .messages
        .iter()
        .map(|message| message.body.as_str())
        .collect();
    assert_eq!((texts, first.more), (vec!["1"], false));
    request.limit = 0;
    assert_eq!(chat.host().history(request).await.unwrap().messages.len(), 1);
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_of_nobody_is_not_found() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let nobody = UserId::new(77).unwrap();
    let missing = [
        ConversationId::direct(alice.id, nobody),
        ConversationId::direct(nobody, nobody),
        ConversationId::group(GroupId::new(77).unwrap()),
    ];
    for conversation in missing {
        let error = chat.host().history(History::of(conversation)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{conversation}");
    }
    chat.shutdown().await;
}
