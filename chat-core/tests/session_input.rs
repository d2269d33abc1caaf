//! Whatever a client sends, it gets one answer a request, and nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use chat_core::{Chat, Connection, Limits, Next, SessionOptions, memory};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Requests of every type, most of them right, with ids that may or may not exist.
fn request() -> impl Strategy<Value = Value> {
    let id = prop_oneof![1_u64..4, Just(0), Just(1 << 53), Just(u64::MAX)];
    let conversation = prop_oneof![
        Just("d:1:2".to_owned()),
        Just("d:2:1".to_owned()),
        Just("g:1".to_owned()),
        "[dg:0-9]{0,8}"
    ];
    (0_usize..16, id, conversation, any::<String>(), any::<i64>()).prop_map(
        |(kind, id, conversation, text, number)| match kind {
            0 => json!({"type":"send","to":{"user":id},"body":text}),
            1 => json!({"type":"send","to":{"group":id},"body":text,"id":"c-1","data":{"n":number}}),
            2 => json!({"type":"ack","conversation":conversation,"seq":number,"ref":number % 1_000}),
            3 => json!({"type":"history","conversation":conversation,"before":id,"limit":number % 300}),
            4 => json!({"type":"conversations","limit":number % 1_100}),
            5 => json!({"type":"add_friend","user":id}),
            6 => json!({"type":"add_friend","name":text}),
            7 => json!({"type":"remove_friend","user":id}),
            8 => json!({"type":"create_group","name":text,"description":text}),
            9 => json!({"type":"join_group","group":id}),
            10 => json!({"type":"leave_group","group":id}),
            11 => json!({"type":"members","group":id,"after":id}),
            12 => json!({"type":"find_user","name":text}),
            13 => json!({"type":"friends"}),
            14 => json!({"type":"groups","unknown":[[[text]]]}),
            _ => json!({"type":text,"ref":text}),
        },
    )
}

/// A request as it is, cut short, with a byte changed, or bytes that never were one.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let written = request()
        .prop_map(|request| request.to_string().into_bytes())
        .boxed();
    prop_oneof![
        6 => written.clone(),
        1 => (written.clone(), any::<prop::sample::Index>()).prop_map(|(mut frame, at)| {
            frame.truncate(at.index(frame.len()).max(1));
            frame
        }),
        2 => (written, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut frame, at, byte)| {
            let at = at.index(frame.len());
            frame[at] = byte;
            frame
        }),
        1 => prop::collection::vec(any::<u8>(), 1..200),
    ]
}

/// All frames until a `pong` of the reference; the connection must stay open.
async fn until_pong(connection: &mut Connection, reference: u64) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let mut frames = Vec::new();
        assert_eq!(connection.next_frames(&mut frames).await, Next::Write, "{seen:?}");
        connection.written();
        for frame in frames {
            let frame: Value = serde_json::from_slice(&frame).expect("a server writes JSON");
            if frame["type"] == "pong" && frame["ref"] == reference {
                return seen;
            }
            seen.push(frame);
        }
    }
}

async fn connect(chat: &Chat, name: &str) -> Connection {
    let user = chat.ensure_user(name.parse().unwrap()).await.unwrap();
    let mut connection = chat
        .accept_as(user.id, SessionOptions::default(), None)
        .await
        .unwrap();
    ping(&mut connection).await;
    connection
}

async fn ping(connection: &mut Connection) -> Vec<Value> {
    connection.receive(br#"{"type":"ping","ref":424242424242}"#);
    until_pong(connection, 424_242_424_242).await
}

/// Whether a frame answers a request; events of these names carry no `ref` and a user without `online`.
fn is_reply(frame: &Value) -> bool {
    match frame["type"].as_str().unwrap_or_default() {
        "message" | "synced" | "presence" | "member_joined" | "member_left" | "goodbye" => false,
        "friend_added" => !frame["user"]["online"].is_null(),
        _ => true,
    }
}

/// What comes until the connection takes the next frame.
async fn finish_call(connection: &mut Connection) -> Vec<Value> {
    let mut seen = Vec::new();
    while !connection.wants_frames() {
        let mut frames = Vec::new();
        assert_eq!(connection.next_frames(&mut frames).await, Next::Write, "{seen:?}");
        connection.written();
        seen.extend(
            frames
                .iter()
                .map(|frame| serde_json::from_slice::<Value>(frame).unwrap()),
        );
    }
    seen
}

async fn every_frame_is_answered_once(frames: Vec<Vec<u8>>) {
    let limits = Limits {
        errors_burst: 100_000,
        ..Limits::default()
    };
    let chat = Chat::builder(memory::backends()).limits(limits).start();
    let mut bystander = connect(&chat, "bystander").await;
    let mut connection = connect(&chat, "subject").await;
    for frame in frames {
        let is_silent_ack = serde_json::from_slice::<Value>(&frame)
            .is_ok_and(|frame| frame["type"] == "ack" && frame["ref"].is_null());
        let is_logout = serde_json::from_slice::<Value>(&frame).is_ok_and(|frame| frame["type"] == "logout");
        if is_logout {
            continue;
        }
        connection.receive(&frame);
        let mut seen = finish_call(&mut connection).await;
        seen.extend(ping(&mut connection).await);
        let replies = seen.iter().filter(|frame| is_reply(frame)).count();
        let failed = seen.iter().any(|frame| frame["type"] == "error");
        let expected = usize::from(!is_silent_ack || failed);
        assert_eq!(
            replies,
            expected,
            "{} got {seen:?}",
            String::from_utf8_lossy(&frame)
        );
    }
    ping(&mut bystander).await;
    drop((bystander, connection));
    chat.shutdown().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_input_is_answered_and_harms_nobody(frames in prop::collection::vec(frame(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(every_frame_is_answered_once(frames));
    }
}
