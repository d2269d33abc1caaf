//! Peers that send what no node sends: each is refused and told once, and a good node does not notice.

use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::backend::{Backend, Good, Hanging, Lines, look_up, memory, raw_look_up, reason, until, within};
use crate::proto;
use crate::proto::user_service_client::UserServiceClient;

/// What opens a connection: the preface, and a frame of settings that sets nothing.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request whose body never comes, in the words of HPACK's tables.
fn request(stream: u32) -> Vec<u8> {
    let path = b"/chat.backend.v1.UserService/Users";
    let length = u8::try_from(path.len()).unwrap();
    let post_by_http = [0x83, 0x86];
    frame(
        HEADERS,
        END_HEADERS,
        stream,
        &[&post_by_http[..], &[0x04, length], path, b"\x01\x01b"].concat(),
    )
}

/// The frames that were heard: their kind, their stream and their payload.
fn frames(mut heard: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while heard.len() >= 9 {
        let length = usize::from(heard[0]) << 16 | usize::from(heard[1]) << 8 | usize::from(heard[2]);
        let stream = u32::from_be_bytes(heard[5..9].try_into().unwrap());
        let end = (9 + length).min(heard.len());
        frames.push((heard[3], stream, heard[9..end].to_vec()));
        heard = &heard[end..];
    }
    frames
}

fn word(payload: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(payload[at..at + 4].try_into().unwrap())
}

/// Says it twice and expects one line.
async fn is_refused(bytes: &[u8], reason: &str) {
    let (lines, _guard) = Lines::record();
    let backend = Backend::start().await;
    let good = Good::start(backend.channel().await);
    for _ in 0..2 {
        backend.says(bytes).await;
        good.goes_on().await;
    }
    lines.one(&[reason, "refused"]).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn garbage_is_refused() {
    is_refused(b"\0\xff\x17garbage\r\n\r\n", "preface").await;
    is_refused(&[b'P'; 100_000], "preface").await;
}

#[tokio::test]
async fn an_older_http_is_refused() {
    is_refused(b"GET / HTTP/1.1\r\nHost: backend\r\n\r\n", "preface").await;
}

#[tokio::test]
async fn tls_to_a_backend_without_it_is_refused_and_named() {
    is_refused(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "but as TLS").await;
}

#[tokio::test]
async fn a_peer_that_falls_silent_at_the_beginning_is_refused() {
    is_refused(b"PRI * HTTP/2.0\r\n", "late").await;
}

#[tokio::test]
async fn a_peer_that_falls_silent_after_the_preface_is_closed() {
    let backend = Backend::start().await;
    let good = Good::start(backend.channel().await);
    // By the pings that it does not answer.
    backend.says(OPENING).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn frames_that_break_the_rules_are_refused() {
    // Data on a stream that nobody opened.
    let bytes = [OPENING, &frame(0, 0, 1, b"data")].concat();
    is_refused(&bytes, "http2").await;
}

#[tokio::test]
async fn calls_that_are_taken_back_by_the_thousand_are_refused() {
    let (lines, _guard) = Lines::record();
    let backend = Backend::start().await;
    let good = Good::start(backend.channel().await);
    let mut bytes = OPENING.to_vec();
    for stream in (1..20_000).step_by(2) {
        bytes.extend(request(stream));
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    let heard = frames(&backend.says(&bytes).await);
    if let Some((_, _, payload)) = heard.iter().find(|(kind, ..)| *kind == GOAWAY) {
        assert_eq!(word(payload, 4), ENHANCE_YOUR_CALM);
    }
    lines.one(&["http2", "refused"]).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn calls_by_the_thousand_are_refused() {
    let (lines, _guard) = Lines::record();
    let backend = Backend::start().await;
    let good = Good::start(backend.channel().await);
    let requests = (1..20_000).step_by(2).map(request).collect::<Vec<_>>().concat();
    let heard = frames(&backend.says(&[OPENING, &requests].concat()).await);
    let refusals = heard.iter().filter(|(kind, ..)| *kind == RST_STREAM);
    for (_, stream, payload) in refusals {
        // The first 256 wait for their bodies.
        assert!(
            *stream > 512 && word(payload, 0) == REFUSED_STREAM,
            "{stream} {payload:?}"
        );
    }
    lines.one(&["http2", "refused"]).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused() {
    let (lines, _guard) = Lines::record();
    let backend = Backend::start_with(memory(), |serve| serve.max_message(1_000)).await;
    let channel = backend.channel().await;
    let good = Good::start(channel.clone());
    let mut users = UserServiceClient::new(channel);
    for _ in 0..2 {
        let ids = vec![u64::MAX; 1_000];
        let refused = within(users.users(proto::UsersRequest { ids }))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    }
    lines.one(&["message", "too long", "a request"]).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn a_message_that_is_damaged_is_refused() {
    let (lines, _guard) = Lines::record();
    let backend = Backend::start().await;
    let good = Good::start(backend.channel().await);
    let mut codec = tonic::client::Grpc::new(backend.channel().await);
    for _ in 0..2 {
        within(codec.ready()).await.unwrap();
        let path = "/chat.backend.v1.UserService/Users".parse().unwrap();
        // Where the ids should be, the last of which does not end.
        let user = Some(proto::User {
            id: 1,
            name: "é".to_owned(),
        });
        let request = Request::new(proto::CredentialsResponse {
            user,
            password_hash: None,
        });
        let answer =
            codec.unary::<_, proto::UsersResponse, _>(request, path, tonic_prost::ProstCodec::default());
        let refused = within(answer).await.unwrap_err();
        assert_eq!(reason(&refused).0, Code::Internal, "{refused:?}");
    }
    lines.one(&["message", "damaged", "a request"]).await;
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn headers_that_are_too_long_are_refused() {
    let (lines, _guard) = Lines::record();
    let (_, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve).await;
    let good = Good::start(backend.channel().await);
    let long = "x".repeat(20_000);
    for _ in 0..2 {
        let refused = raw_look_up(backend.address, &[("x-long", &long)]).await;
        assert_eq!(refused.headers()["grpc-status"], "3");
    }
    lines.one(&["headers", "request"]).await;
    // What no node would ever send is answered by the library.
    let longer = "x".repeat(80_000);
    let refused = raw_look_up(backend.address, &[("x-long", &longer)]).await;
    assert_eq!(refused.status(), 431);
    good.end().await;
    backend.end().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_there_is_room_again() {
    let (lines, _guard) = Lines::record();
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve.connections(1)).await;
    let channel = backend.channel().await;
    let call = look_up(&channel);
    within(hanging.begun.acquire()).await.unwrap().forget();
    assert_eq!(backend.says(OPENING).await, b"");
    assert_eq!(backend.says(OPENING).await, b"");
    lines.one(&["limit", "refused"]).await;
    call.abort();
    drop(channel);
    // A good node comes in as soon as the other has gone.
    until(|| hanging.dropped.available_permits() == 1).await;
    within(async {
        loop {
            let endpoint = Endpoint::from_shared(format!("http://{}", backend.address)).unwrap();
            let mut users = UserServiceClient::new(endpoint.connect_lazy());
            if users.users(proto::UsersRequest { ids: vec![] }).await.is_ok() {
                break;
            }
        }
    })
    .await;
    backend.end().await;
}
