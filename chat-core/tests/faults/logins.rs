//! What a login asks of the store.

use chat_core::Timestamp;
use chat_core::ports::{CursorAdvance, DeviceStore, MessageStore, NewMessage, SendPolicy, TokenStore};
use chat_core::types::{Body, ConversationId, Device, MessageId, MessageIdOrigin, Seq, Token, UserId};
use serde_json::json;

use crate::fixture::{World, frames_until, user};

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
async fn a_login_costs_five_calls_whatever_the_number_of_conversations() {
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
        let asked = ["token", "open_device", "contacts", "positions", "read_ranges"];
        // Friends are read by who tells them, which is no part of the login.
        let not_asked = [
            "memberships",
            "position",
            "read_after",
            "read_before",
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
