//! System users, and what they write.

use chat_core::faulty::Fault;
use chat_core::ports::SendPolicy;
use chat_core::protocol::{Login, Recipient};
use chat_core::types::{GroupId, Password, UserId};
use chat_core::{ErrorCode, NodeRole};

use crate::fixture::{World, body, group_of, name, next_message, session, shop, text, user, with_id};

#[tokio::test(start_paused = true)]
async fn a_system_user_writes_to_a_user_where_only_friends_may_and_its_own_session_does_not() {
    let world = World::default();
    let chat = world.chat_with(SendPolicy::Friends);
    let alice = user(&chat, "alice").await;
    let mut session_of_alice = session(&chat, alice.id).await;
    let shop = shop(&chat).await;
    let to = Recipient::User(alice.id);

    let sent = shop.send(text(to, "your parcel is on its way")).await.unwrap();
    let message = next_message(&mut session_of_alice).await;
    assert_eq!(message.body.as_str(), "your parcel is on its way");
    assert_eq!((&message.from, message.seq), (shop.user(), sent.seq));

    let session_of_shop = session(&chat, shop.user().id).await;
    let refused = session_of_shop.send(text(to, "no friend")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    let answer = text(Recipient::User(shop.user().id), "thank you");
    let refused = session_of_alice.send(answer).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_members_on_all_nodes_and_those_who_come_later_and_joins_nothing() {
    let world = World::default();
    let (one, other) = (world.chat(), world.chat());
    let (alice, bob, carol) = (
        user(&one, "alice").await,
        user(&one, "bob").await,
        user(&one, "carol").await,
    );
    let mut session_of_alice = session(&one, alice.id).await;
    let group = group_of(&session_of_alice).await;
    let mut session_of_bob = session(&other, bob.id).await;
    session_of_bob.join_group(group).await.unwrap();
    let session_of_carol = session(&other, carol.id).await;
    session_of_carol.join_group(group).await.unwrap();
    drop(session_of_carol);

    let shop = shop(&one).await;
    let sent = shop.broadcast(group, body("we open at nine")).await.unwrap();
    let mut session_of_carol = session(&other, carol.id).await;
    for session in [&mut session_of_alice, &mut session_of_bob, &mut session_of_carol] {
        let message = next_message(session).await;
        assert_eq!(message.body.as_str(), "we open at nine");
        assert_eq!((message.from, message.seq), (shop.user().clone(), sent.seq));
    }
    assert_eq!(session_of_alice.groups().await.unwrap()[0].members, 3);

    let session_of_shop = session(&one, shop.user().id).await;
    let own = text(Recipient::Group(group), "no member");
    let refused = session_of_shop.send(own).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_a_system_user_repeats_with_its_id_is_stored_once() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let shop = shop(&chat).await;
    let message = with_id(text(Recipient::User(alice.id), "hello"), "parcel-7");
    let first = shop.send(message.clone()).await.unwrap();
    let again = shop.send(message).await.unwrap();
    assert_eq!((first.duplicate, again.duplicate), (false, true));
    assert_eq!(first.seq, again.seq);
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_system_user_finds_nobody_where_nobody_is() {
    let world = World::default();
    let chat = world.chat();
    let shop = shop(&chat).await;
    let nowhere = [
        Recipient::User(UserId::new(77).unwrap()),
        Recipient::Group(GroupId::new(77).unwrap()),
    ];
    for to in nowhere {
        let refused = shop.send(text(to, "hello")).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::NotFound);
    }
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_system_user_is_the_same_on_every_node_and_nobody_who_logs_in() {
    let world = World::default();
    let (one, other) = (world.chat(), world.chat());
    let password = Password::parse("correct horse").unwrap();
    one.register(name("alice"), &password).await.unwrap();
    let taken = one.host().system_user(name("Alice")).await.unwrap_err();
    assert_eq!(taken.code(), ErrorCode::NameTaken);

    assert_eq!(shop(&one).await.user(), shop(&other).await.user());
    let taken = one.register(name("shop"), &password).await.unwrap_err();
    assert_eq!(taken.code(), ErrorCode::NameTaken);
    let login = Login::password(name("shop"), password);
    let refused = one.login(login).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidCredentials);
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_rights_of_the_application_cannot_be_given_to_users() {
    let world = World::default();
    let chat = world.chat_with(SendPolicy::System);
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let group = group_of(&session(&chat, alice.id).await).await;
    let session_of_bob = session(&chat, bob.id).await;
    let message = text(Recipient::Group(group), "no member");
    let refused = session_of_bob.send(message).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_makes_a_system_users_message_unavailable() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let shop = shop(&chat).await;
    world.store.away("append", Fault::FailBefore);
    let message = text(Recipient::User(alice.id), "hello");
    let error = shop.send(message.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    world.store.clear();
    shop.send(message).await.unwrap();
    chat.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_has_no_system_users() {
    let world = World::default();
    let backend = chat_core::Chat::builder(world.backends())
        .role(NodeRole::Backend)
        .start();
    let refused = backend.host().system_user(name("shop")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    assert!(backend.host().sessions(UserId::new(1).unwrap()).is_empty());
    backend.shutdown().await;
}
