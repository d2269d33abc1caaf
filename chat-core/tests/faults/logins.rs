//! What a login asks of the store.

use chat_core::ports::{
    CreateGroup, CursorAdvance, DeviceStore, GroupStore, MessageStore, NewGroup, NewMessage, SendPolicy,
    TokenStore,
};
use chat_core::protocol::Event;
use chat_core::types::{Body, ConversationId, Device, MessageId, MessageIdOrigin, Seq, Token, UserId};
use chat_core::{Limits, Timestamp};
use serde_json::json;

use crate::fixture::{World, frames_until, next_message, session, user};

const CONVERSATIONS: usize = 1_000;
const WITH_NEWS: usize = 10;
const NEWS: usize = 3;

fn message(conversation: ConversationId, sender: UserId, id: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender,
        id: MessageId::parse(id).unwrap(),
        id_origin: MessageIdOrigin::Client,
        body: Body::parse("hello").unwrap(),
        data: None,
        at: Timestamp::from_millis(1_790_000_000_000),
        policy: SendPolicy::Anyone,
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_costs_three_calls_whatever_the_number_of_conversations() {
    let world = World::default();
    let chat = world.chat();
    let alice = user(&chat, "alice").await;
    let (store, device) = (world.store(), Device::parse("phone").unwrap());
    let (now, token) = (
        Timestamp::from_millis(1_790_000_000_000),
        Token::random().unwrap(),
    );
    store.open_device(alice.id, &device, now, 10).await.unwrap();
    for number in 0..CONVERSATIONS {
        let other = user(&chat, &format!("user {number}")).await.id;
        let conversation = ConversationId::direct(alice.id, other);
        let first = [message(conversation, other, "first")];
        store.append(&first).await.unwrap();
        let ack = CursorAdvance {
            user: alice.id,
            device: device.clone(),
            conversation,
            seq: Seq::ZERO.next(),
        };
        store.advance_cursors(&[ack]).await.unwrap();
        if number % (CONVERSATIONS / WITH_NEWS) == 0 {
            let ids = (0..NEWS).map(|id| message(conversation, other, &format!("news-{id}")));
            store.append(&ids.collect::<Vec<_>>()).await.unwrap();
        }
    }
    let far = Timestamp::from_millis(4_000_000_000_000);
    store.put_token(alice.id, token.hash(), far, 10).await.unwrap();

    let calls = || {
        let asked = ["token", "open_device", "session_start"];
        // Friends are read by who tells them, which is no part of the login.
        let not_asked = [
            "memberships",
            "positions",
            "position",
            "read_after",
            "read_before",
            "read_ranges",
            "put_token",
        ];
        let calls = |name| world.store.calls(name);
        (asked.map(calls), not_asked.map(calls))
    };
    let (asked, not_asked) = calls();
    let mut connection = chat.accept(None).unwrap();
    let login = json!({"type": "login", "token": token.reveal(), "device": "phone"});
    connection.receive(login.to_string().as_bytes());
    let frames = frames_until(&mut connection, "synced").await;
    let messages = frames.iter().filter(|frame| frame["type"] == "message");
    assert_eq!(messages.count(), WITH_NEWS * NEWS);
    assert_eq!(calls(), (asked.map(|calls| calls + 1), not_asked));
}

#[tokio::test(start_paused = true)]
async fn more_new_messages_than_a_page_holds_are_read_on_in_pages_before_synced() {
    const PAGE: usize = 10;
    const STORED: usize = 35;
    let world = World::default();
    let chat = world.chat_with(Limits {
        delivery_page: PAGE,
        ..Limits::default()
    });
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let conversation = ConversationId::direct(alice.id, bob.id);
    let news = (0..STORED).map(|id| message(conversation, bob.id, &format!("news-{id}")));
    world.store().append(&news.collect::<Vec<_>>()).await.unwrap();
    let mut session = session(&chat, &alice).await;
    for number in 1..=STORED {
        let message = next_message(&mut session).await;
        assert_eq!(message.seq.get(), number as u64);
    }
    assert_eq!(session.next_event().await, Some(Event::Synced));
    assert_eq!(world.store.calls("read_ranges"), (STORED / PAGE) as u64);
}

/// How far groups have come is read after they are followed, so that nothing can fall between.
#[tokio::test(start_paused = true)]
async fn the_groups_of_who_logs_in_cost_one_call_more_and_come_after_direct_conversations() {
    let world = World::default();
    let chat = world.chat();
    let (alice, bob) = (user(&chat, "alice").await, user(&chat, "bob").await);
    let store = world.store();
    let mut conversations = vec![ConversationId::direct(alice.id, bob.id)];
    for name in ["one", "two"] {
        let group = NewGroup {
            id: None,
            name: name.parse().unwrap(),
            description: "".parse().unwrap(),
            creator: alice.id,
        };
        let CreateGroup::Created(made) = store.create_group(&group, 10).await.unwrap() else {
            panic!("{name} is made");
        };
        store.join_group(made.group.id, bob.id, 10, 10).await.unwrap();
        conversations.push(ConversationId::group(made.group.id));
    }
    let token = Token::random().unwrap();
    let far = Timestamp::from_millis(4_000_000_000_000);
    store.put_token(alice.id, token.hash(), far, 10).await.unwrap();
    for conversation in &conversations {
        store
            .append(&[message(*conversation, bob.id, "news")])
            .await
            .unwrap();
    }

    let calls =
        || ["session_start", "positions", "position", "read_ranges"].map(|name| world.store.calls(name));
    let before = calls();
    let mut connection = chat.accept(None).unwrap();
    let login = json!({"type": "login", "token": token.reveal(), "device": "phone"});
    connection.receive(login.to_string().as_bytes());
    let frames = frames_until(&mut connection, "synced").await;
    let told: Vec<_> = frames
        .iter()
        .filter(|frame| frame["type"] == "message")
        .map(|frame| frame["conversation"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = conversations.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
    let [start, positions, position, ranges] = before;
    assert_eq!(calls(), [start + 1, positions + 1, position, ranges + 1]);
}
