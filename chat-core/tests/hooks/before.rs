//! Before a request.

use std::sync::Arc;
use std::time::Duration;

use chat_core::faulty::Fault;
use chat_core::hooks::{Decision, Draft, HookError, HookedRequest, Hooks};
use chat_core::protocol::{Login, OutgoingMessage, Recipient};
use chat_core::types::{Body, MessageId, Password, UserName};
use chat_core::{Chat, ErrorCode, SessionOptions, memory};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::scripted::{Act, Scene, Scripted, frames_until};

const DEADLINE: Duration = Duration::from_millis(300);

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_refuses_when_its_time_is_over_and_delays_nobody_else() {
    let scene = Scene::of(Scripted::default()).await;
    assert_eq!(scene.chat.limits().hook_timeout, DEADLINE);
    let mut alice = scene.connection(&scene.alice).await;
    let mut bob = scene.connection(&scene.bob).await;
    scene.hooks.before_text("slow", Act::Hang);
    let begun = Instant::now();
    alice.receive(&scene.send("slow"));
    bob.receive(&scene.send("quick"));
    // As a transport would, so that the slow hook has begun.
    assert!(alice.next_frames(&mut Vec::new()).now_or_never().is_none());
    frames_until(&mut bob, "sent").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let frames = frames_until(&mut alice, "error").await;
    assert_eq!(begun.elapsed(), DEADLINE);
    assert_eq!(
        (&frames[0]["code"], &frames[0]["ref"]),
        (&json!("unavailable"), &json!("slow"))
    );
    assert_eq!(frames[0]["retry_after_ms"], 1_000);
    assert!(scene.stored().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_failures_pass_a_request_goes_on_without_a_decision() {
    let scene = Scene::of(Scripted::passing(vec![HookedRequest::Send])).await;
    let session = scene.session(&scene.alice).await;
    for (text, act, time) in [
        ("hangs", Act::Hang, DEADLINE),
        ("fails", Act::Fail, Duration::ZERO),
        ("panics", Act::Panic, Duration::ZERO),
    ] {
        scene.hooks.before_text(text, act);
        let begun = Instant::now();
        session.send(scene.message(text)).await.unwrap();
        assert_eq!(begun.elapsed(), time, "{text}");
    }
    let stored = scene.stored().await;
    let texts: Vec<_> = stored.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(texts, ["hangs", "fails", "panics"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_refuses_and_harms_neither_connection_nor_node() {
    let scene = Scene::of(Scripted::default()).await;
    let mut alice = scene.connection(&scene.alice).await;
    scene.hooks.before_text("panic", Act::Panic);
    alice.receive(&scene.send("panic"));
    let frames = frames_until(&mut alice, "error").await;
    assert_eq!(frames[0]["code"], "unavailable");
    alice.receive(&scene.send("hello"));
    frames_until(&mut alice, "sent").await;
    assert!(scene.chat.readiness().is_ready());
}

type Deciding<'a, R> = BoxFuture<'a, Result<Decision<R>, HookError>>;

/// Panics before it answers a future.
#[derive(Debug)]
struct Hasty;

impl Hooks for Hasty {
    fn before_send<'a, 'b, 'c>(&'a self, _: &'b Draft) -> Deciding<'c, Body>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        panic!("the script says so")
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_panic_before_it_is_awaited() {
    let chat = Chat::builder(memory::backends()).hooks(Arc::new(Hasty)).start();
    let alice = chat.ensure_user("alice".parse().unwrap()).await.unwrap();
    let session = chat.session(alice.id, SessionOptions::default()).await.unwrap();
    let message = OutgoingMessage::text(Recipient::User(alice.id), "hello").unwrap();
    let refused = session.send(message).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_connection_keep_their_order_however_long_their_hooks_take() {
    let scene = Scene::of(Scripted::default()).await;
    let mut alice = scene.connection(&scene.alice).await;
    let texts: Vec<_> = (0..8).map(|number| format!("message {number}")).collect();
    for (text, wait) in texts.iter().zip((1..=8).rev()) {
        scene
            .hooks
            .before_text(text, Act::Wait(Duration::from_millis(30 * wait)));
        alice.receive(&scene.send(text));
        // Whoever asks for frames only while they are wanted sends the next one later.
        assert!(!alice.wants_frames());
    }
    alice.receive(br#"{"type":"ping","ref":"last"}"#);
    let frames = frames_until(&mut alice, "pong").await;
    let answered: Vec<_> = frames
        .iter()
        .map(|frame| frame["ref"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = texts.iter().map(String::as_str).chain(["last"]).collect();
    assert_eq!(answered, expected);
    let stored = scene.stored().await;
    let stored: Vec<_> = stored.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(stored, expected[..8]);
}

#[tokio::test(start_paused = true)]
async fn where_hooks_are_not_asked_before_sends_many_can_be_under_way() {
    let unasked = vec![HookedRequest::Send];
    for (unasked, is_quick) in [(Vec::new(), false), (unasked, true)] {
        let scene = Scene::of(Scripted::not_asking(unasked)).await;
        scene.hooks.before(HookedRequest::Send, Act::Hang);
        let mut alice = scene.connection(&scene.alice).await;
        scene.store.away("append", Fault::Delay(Duration::from_secs(1)));
        alice.receive(&scene.send("one"));
        assert_eq!(alice.wants_frames(), is_quick);
        alice.receive(&scene.send("two"));
        let last = if is_quick { "sent" } else { "error" };
        frames_until(&mut alice, last).await;
        assert_eq!(scene.hooks.asked(HookedRequest::Send) > 0, !is_quick);
    }
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_refusal_ends_where_it_would_become_too_long() {
    let scene = Scene::of(Scripted::default()).await;
    let session = scene.session(&scene.alice).await;
    scene
        .hooks
        .before(HookedRequest::Send, Act::Refuse("é".repeat(5_000)));
    let error = session.send(scene.message("hello")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert_eq!(error.message(), "é".repeat(512));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_while_its_hook_decided_sends_nothing() {
    let scene = Scene::of(Scripted::default()).await;
    let session = scene.session(&scene.alice).await;
    scene
        .hooks
        .before(HookedRequest::Send, Act::Wait(Duration::from_millis(200)));
    let send = session.send(scene.message("hello"));
    let expel = async {
        sleep(Duration::from_millis(100)).await;
        scene.chat.host().expel(scene.alice.id, None);
    };
    let (sent, ()) = tokio::join!(send, expel);
    assert_eq!(sent.unwrap_err().code(), ErrorCode::Unauthenticated);
    assert!(scene.stored().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_repeated_is_decided_again_and_told_once() {
    let scene = Scene::of(Scripted::default()).await;
    let session = scene.session(&scene.alice).await;
    let message = || scene.message("hello").with_id(MessageId::parse("m-1").unwrap());
    assert!(!session.send(message()).await.unwrap().duplicate);
    assert!(session.send(message()).await.unwrap().duplicate);
    session.send(scene.message("more")).await.unwrap();
    assert_eq!(scene.hooks.asked(HookedRequest::Send), 3);
    let told = scene.hooks.told_times(2).await;
    assert_eq!(told, ["d:1:2 1 alice: hello", "d:1:2 2 alice: more"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_or_login_writes_nothing_at_all() {
    let scene = Scene::of(Scripted::default()).await;
    let (name, password) = (
        "carol".parse::<UserName>().unwrap(),
        Password::parse("correct horse").unwrap(),
    );
    let login = || Login::password(name.clone(), password.clone());
    let written = || ["create_user", "put_token", "open_device"].map(|method| scene.store.calls(method));
    let before = written();
    scene
        .hooks
        .before(HookedRequest::Register, Act::Refuse("closed".to_owned()));
    scene.chat.register(name.clone(), &password).await.unwrap_err();
    assert_eq!(written(), before);
    scene.hooks.before(HookedRequest::Register, Act::Allow);
    scene.chat.register(name.clone(), &password).await.unwrap();
    let before = written();
    scene
        .hooks
        .before(HookedRequest::Login, Act::Refuse("closed".to_owned()));
    let refused = scene.chat.login(login()).await.unwrap_err();
    assert_eq!(refused.message(), "closed");
    assert_eq!(written(), before);
    scene.hooks.before(HookedRequest::Login, Act::Allow);
    scene.chat.login(login()).await.unwrap();
    assert_ne!(written(), before);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_or_a_taken_name_is_told_to_the_client_and_asked_of_no_hook() {
    let scene = Scene::of(Scripted::default()).await;
    let (name, password) = (
        "carol".parse::<UserName>().unwrap(),
        Password::parse("correct horse").unwrap(),
    );
    scene.chat.register(name.clone(), &password).await.unwrap();
    let taken = scene.chat.register(name.clone(), &password).await.unwrap_err();
    assert_eq!(taken.code(), ErrorCode::NameTaken);
    let wrong = Login::password(name, Password::parse("wrong horse").unwrap());
    let failed = scene.chat.login(wrong).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::InvalidCredentials);
    assert_eq!(scene.hooks.asked(HookedRequest::Register), 1);
    assert_eq!(scene.hooks.asked(HookedRequest::Login), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_of_the_applications_own_is_asked_about_and_ensuring_a_user_is_not() {
    let scene = Scene::of(Scripted::default()).await;
    for request in [HookedRequest::Register, HookedRequest::Login] {
        scene.hooks.before(request, Act::Refuse("closed".to_owned()));
    }
    let refused = scene
        .chat
        .session(scene.alice.id, SessionOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (ErrorCode::Forbidden, "closed")
    );
    assert_eq!(scene.chat.session_count(), 0);
    scene.chat.ensure_user("carol".parse().unwrap()).await.unwrap();
    scene.chat.ensure_user("carol".parse().unwrap()).await.unwrap();
    assert_eq!(scene.hooks.asked(HookedRequest::Register), 0);
    scene.hooks.before(HookedRequest::Login, Act::Allow);
    scene
        .chat
        .session(scene.alice.id, SessionOptions::default())
        .await
        .unwrap();
    let told = scene.hooks.told_times(2).await;
    assert_eq!(told, ["carol registered", "alice logged in by host"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_application_itself_writes_is_told_and_asked_of_no_hook() {
    let scene = Scene::of(Scripted::default()).await;
    scene
        .hooks
        .before(HookedRequest::Send, Act::Refuse("no".to_owned()));
    let shop = scene
        .chat
        .host()
        .system_user("shop".parse().unwrap())
        .await
        .unwrap();
    shop.send(scene.message("a parcel")).await.unwrap();
    let told = scene.hooks.told_times(2).await;
    assert_eq!(told, ["shop registered", "d:2:3 1 shop: a parcel"]);
    for request in [HookedRequest::Register, HookedRequest::Send] {
        assert_eq!(scene.hooks.asked(request), 0);
    }
}
