//! Answers that hold as much as one message may.

use std::sync::Arc;

use chat_adapters::grpc::RemoteOptions;
use chat_core::memory::MemoryStore;
use chat_core::ports::{DeviceStore as _, MessageStore as _, NewMessage, Stores, UserStore as _};
use chat_core::types::{Body, ConversationId, Data, Device, Seq};

use crate::backend::Backend;
use crate::scene::{DEADLINE, message, new_user, store, user};

/// A device that is far behind begins with as many of the largest messages as fit in an answer, and reads on.
#[tokio::test]
async fn what_a_session_begins_with_fits_in_an_answer_whatever_the_size_of_messages() {
    const MAX_MESSAGE: usize = 256 * 1_024;
    const STORED: usize = 40;
    let kept = Arc::new(MemoryStore::default());
    for name in ["alice", "bob"] {
        kept.create_user(&new_user(name)).await.unwrap();
    }
    let conversation = ConversationId::direct(user(1), user(2));
    let text = "x".repeat(8_192);
    let data = format!("{{\"x\":\"{}\"}}", "x".repeat(8_192 - 8));
    let largest = |id: usize| NewMessage {
        body: Body::parse(&text).unwrap(),
        data: Some(Data::parse(&data).unwrap()),
        ..message(conversation, user(2), &id.to_string())
    };
    let stored: Vec<_> = (0..STORED).map(largest).collect();
    kept.append(&stored).await.unwrap();

    let backend = Backend::start_with(Stores::of(kept), |serve| serve.max_message(MAX_MESSAGE)).await;
    let options = RemoteOptions {
        max_message: MAX_MESSAGE,
        ..RemoteOptions::default()
    };
    let remote = store(&[backend.address.to_string()], options);
    remote.ready(DEADLINE).await.unwrap();
    let phone = Device::parse("phone").unwrap();
    let start = remote.session_start(user(1), &phone, 10, STORED).await.unwrap();
    let came = start.messages.len();
    assert!((1..STORED).contains(&came), "{came}");
    let expected = remote.read_after(conversation, Seq::ZERO, came).await.unwrap();
    assert_eq!(start.messages, expected);
    remote.close().await;
    backend.end().await;
}
