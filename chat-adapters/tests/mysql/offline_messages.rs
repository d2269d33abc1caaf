//! The view that stands for the original table of messages kept for absent users.

use chat_core::Timestamp;
use chat_core::ports::{CursorAdvance, DeviceStore, MessageStore};
use chat_core::types::{Data, MessageIdOrigin, Seq, UserId};
use serde_json::{Value, json};
use sqlx::MySqlConnection;

use crate::harness::Setting;
use crate::scene::{connect, message, open, user};

async fn waiting(connection: &mut MySqlConnection, user: UserId) -> Vec<Value> {
    let rows: Vec<String> = sqlx::query_scalar("SELECT message FROM OfflineMessage WHERE userid = ?")
        .bind(user.get())
        .fetch_all(connection)
        .await
        .unwrap();
    let mut messages: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    messages.sort_by_key(|message| message["seq"].as_u64());
    messages
}

pub(crate) async fn messages_wait_until_the_furthest_device_has_acknowledged_them(setting: Setting) {
    let store = open(&setting.database).await;
    let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
    let mut connection = connect(&setting.database).await;
    let mut second = message(alice, bob, "made-by-the-node", "a\0b\n\"🦀");
    second.id_origin = MessageIdOrigin::Node;
    // Deeper than MariaDB reads JSON.
    let deep = format!("{}null{}", r#"{"deep":"#.repeat(40), "}".repeat(40));
    second.data = Some(Data::parse(&deep).unwrap());
    let first = message(alice, bob, "c-1", "hello");
    let conversation = first.conversation;
    store.append(&[first, second]).await.unwrap();
    let from = json!({"id": alice.get(), "name": "alice"});
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let (first, second) = (
        json!({"type": "message", "conversation": conversation, "seq": 1, "from": from, "body": "hello",
               "at": 1_790_000_000_000_u64, "id": "c-1"}),
        json!({"type": "message", "conversation": conversation, "seq": 2, "from": from, "body": "a\0b\n\"🦀",
               "at": 1_790_000_000_000_u64, "data": deep}),
    );
    assert_eq!(waiting(&mut connection, bob).await, [first, second.clone()]);
    assert!(
        waiting(&mut connection, alice).await.is_empty(),
        "her own messages wait for her"
    );

    for (device, seq, expected) in [
        ("phone", 1, vec![second.clone()]),
        ("laptop", 1, vec![second]),
        ("phone", 2, vec![]),
    ] {
        let device = device.parse().unwrap();
        store
            .open_device(bob, &device, Timestamp::default(), 10)
            .await
            .unwrap();
        let seq = Seq::new(seq).unwrap();
        let ack = CursorAdvance {
            user: bob,
            device,
            conversation,
            seq,
        };
        store.advance_cursors(&[ack]).await.unwrap();
        assert_eq!(waiting(&mut connection, bob).await, expected);
    }
}
