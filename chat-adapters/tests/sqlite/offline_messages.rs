//! The view that stands for the original table of messages kept for absent users.

use chat_adapters::sqlite::SqliteStore;
use chat_core::Timestamp;
use chat_core::ports::{CursorAdvance, DeviceStore, MessageStore};
use chat_core::types::{Data, MessageIdOrigin, Seq, UserId};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::scene::{message, user};

async fn waiting(connection: &mut SqliteConnection, user: UserId) -> Vec<Value> {
    let rows: Vec<String> = sqlx::query_scalar("SELECT message FROM OfflineMessage WHERE userid = ?")
        .bind(i64::try_from(user.get()).unwrap())
        .fetch_all(connection)
        .await
        .unwrap();
    rows.iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

#[tokio::test]
async fn messages_wait_until_the_furthest_device_has_acknowledged_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = SqliteStore::open(path.as_path()).await.unwrap();
    let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();

    let mut second = message(alice, bob, "made-by-the-node", "a\0b\n\"🦀");
    second.id_origin = MessageIdOrigin::Node;
    second.data = Some(Data::parse(r#"{"deep":{"none":null}}"#).unwrap());
    let first = message(alice, bob, "c-1", "hello");
    let conversation = first.conversation;
    store.append(&[first, second]).await.unwrap();
    let from = json!({"id": alice.get(), "name": "alice"});
    let (first, second) = (
        json!({"type": "message", "conversation": conversation, "seq": 1, "from": from, "body": "hello",
               "at": 1_790_000_000_000_u64, "id": "c-1"}),
        json!({"type": "message", "conversation": conversation, "seq": 2, "from": from, "body": "a\0b\n\"🦀",
               "at": 1_790_000_000_000_u64, "data": {"deep": {"none": null}}}),
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
