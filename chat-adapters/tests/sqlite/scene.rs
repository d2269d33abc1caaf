//! Two users and what they write.

use chat_adapters::sqlite::SqliteStore;
use chat_core::Timestamp;
use chat_core::ports::{CreateUser, NewMessage, NewUser, SendPolicy, UserStore};
use chat_core::types::{ConversationId, MessageIdOrigin, UserId};

pub(crate) async fn user(store: &SqliteStore, name: &str) -> UserId {
    let new = NewUser {
        id: None,
        name: name.parse().unwrap(),
        password: None,
    };
    match store.create_user(&new).await.unwrap() {
        CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => user.id,
    }
}

pub(crate) fn message(sender: UserId, receiver: UserId, id: &str, body: &str) -> NewMessage {
    NewMessage {
        conversation: ConversationId::direct(sender, receiver),
        sender,
        id: id.parse().unwrap(),
        id_origin: MessageIdOrigin::Client,
        body: body.parse().unwrap(),
        data: None,
        at: Timestamp::from_millis(1_790_000_000_000),
        policy: SendPolicy::Anyone,
    }
}
