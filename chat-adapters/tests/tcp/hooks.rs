//! Hooks of the application: each outcome for each request that has them, as clients meet it.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chat_core::hooks::{
    Decision, Draft, Friendship, GroupDraft, HookError, HookedRequest, Hooks, Joining, OnFailure,
    Registration, UserLogin,
};
use chat_core::ports::{Backends, UserSelector};
use chat_core::protocol::{GroupView, MessageView};
use chat_core::types::{Body, ConversationId, Seq, User, UserId};
use chat_core::{Chat, ErrorCode, Limits, memory};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::counted::series;
use crate::fixture::{Client, DEADLINE, Server, within};

const PASSWORD: &str = "correct horse";
const REFUSAL: &str = "the application says no";
const REWRITTEN: &str = "the application says so";

/// What a hook does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Allow,
    Rewrite,
    Refuse,
    Fail,
    Hang,
}

#[derive(Debug)]
struct Scripted {
    /// What the hooks before requests do.
    act: Mutex<Act>,
    /// What the hooks after requests do.
    after: Mutex<Act>,
    on_failure: OnFailure,
    /// Everything that any hook was given.
    given: Mutex<String>,
    told: mpsc::Sender<HookedRequest>,
}

impl Scripted {
    async fn decide<R>(&self, subject: String, rewritten: Option<R>) -> Result<Decision<R>, HookError> {
        self.given.lock().unwrap().push_str(&subject);
        let act = *self.act.lock().unwrap();
        match act {
            Act::Rewrite => Ok(rewritten.map_or(Decision::Allow, Decision::Rewrite)),
            Act::Allow => Ok(Decision::Allow),
            Act::Refuse => Ok(Decision::refuse(ErrorCode::Forbidden, REFUSAL)),
            Act::Fail => Err(HookError::new("the script says so")),
            Act::Hang => pending().await,
        }
    }

    async fn tell(&self, request: HookedRequest, subject: String) -> Result<(), HookError> {
        self.given.lock().unwrap().push_str(&subject);
        let told = self.told.try_send(request);
        told.map_err(|error| HookError::new("nobody reads").because(error))?;
        let act = *self.after.lock().unwrap();
        match act {
            Act::Fail => Err(HookError::new("the script says so")),
            Act::Hang => pending().await,
            Act::Allow | Act::Rewrite | Act::Refuse => Ok(()),
        }
    }
}

#[async_trait]
impl Hooks for Scripted {
    fn on_failure(&self, _: HookedRequest) -> OnFailure {
        self.on_failure
    }

    async fn before_register(&self, registration: &Registration) -> Result<Decision, HookError> {
        self.decide(format!("{registration:?}"), None).await
    }

    async fn before_login(&self, login: &UserLogin) -> Result<Decision, HookError> {
        self.decide(format!("{login:?}"), None).await
    }

    async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
        let rewritten = Body::parse(REWRITTEN).unwrap();
        self.decide(format!("{draft:?}"), Some(rewritten)).await
    }

    async fn before_add_friend(&self, friendship: &Friendship) -> Result<Decision, HookError> {
        self.decide(format!("{friendship:?}"), None).await
    }

    async fn before_create_group(&self, group: &GroupDraft) -> Result<Decision, HookError> {
        self.decide(format!("{group:?}"), None).await
    }

    async fn before_join_group(&self, joining: &Joining) -> Result<Decision, HookError> {
        self.decide(format!("{joining:?}"), None).await
    }

    async fn after_register(&self, user: &User) -> Result<(), HookError> {
        self.tell(HookedRequest::Register, format!("{user:?}")).await
    }

    async fn after_login(&self, login: &UserLogin) -> Result<(), HookError> {
        self.tell(HookedRequest::Login, format!("{login:?}")).await
    }

    async fn after_send(&self, message: &MessageView) -> Result<(), HookError> {
        self.tell(HookedRequest::Send, format!("{message:?}")).await
    }

    async fn after_add_friend(&self, friendship: &Friendship) -> Result<(), HookError> {
        self.tell(HookedRequest::AddFriend, format!("{friendship:?}"))
            .await
    }

    async fn after_create_group(&self, creator: &User, group: &GroupView) -> Result<(), HookError> {
        self.tell(HookedRequest::CreateGroup, format!("{creator:?} {group:?}"))
            .await
    }

    async fn after_join_group(&self, member: &User, group: &GroupView) -> Result<(), HookError> {
        self.tell(HookedRequest::JoinGroup, format!("{member:?} {group:?}"))
            .await
    }
}

/// What is stored, and who is there: what a request with hooks can change.
#[derive(Debug, PartialEq)]
struct State {
    has_carol: bool,
    sessions: usize,
    texts: Vec<String>,
    friends: usize,
    groups: usize,
}

/// A server whose hooks do what a test says, with alice (1) and bob (2), and a group (1) of bob's.
struct Scene {
    server: Server,
    backends: Backends,
    hooks: Arc<Scripted>,
    told: mpsc::Receiver<HookedRequest>,
    alice: Client,
    bob: Client,
}

impl Scene {
    async fn start(on_failure: OnFailure) -> Self {
        Self::with(on_failure, Limits::default()).await
    }

    async fn with(on_failure: OnFailure, limits: Limits) -> Self {
        let (told, is_told) = mpsc::channel(256);
        let hooks = Arc::new(Scripted {
            act: Mutex::new(Act::Allow),
            after: Mutex::new(Act::Allow),
            on_failure,
            given: Mutex::default(),
            told,
        });
        let backends = memory::backends();
        let limits = Limits {
            hook_timeout: Duration::from_millis(50),
            ..limits
        };
        let builder = Chat::builder(backends.clone()).limits(limits);
        let chat = builder.hooks(Arc::clone(&hooks) as _).start();
        let server = Server::of(chat, |serve| serve).await;
        let alice = server.logged_in("alice").await;
        let mut bob = server.logged_in("bob").await;
        bob.send(&json!({"type": "create_group", "name": "bob's"})).await;
        assert_eq!(bob.frame().await["group"]["id"], 1);
        let mut scene = Self {
            server,
            backends,
            hooks,
            told: is_told,
            alice,
            bob,
        };
        for _ in 0..5 {
            scene.next_told().await;
        }
        scene
    }

    fn act(&self, act: Act) {
        *self.hooks.act.lock().unwrap() = act;
    }

    async fn next_told(&mut self) -> HookedRequest {
        within(self.told.recv()).await.unwrap()
    }

    async fn state(&self) -> State {
        let stores = &self.backends.stores;
        let alice = UserId::new(1).unwrap();
        let carol = UserSelector::Name("carol".parse().unwrap());
        let conversation = ConversationId::direct(alice, UserId::new(2).unwrap());
        let stored = stores.messages.read_after(conversation, Seq::ZERO, 100).await;
        let texts = stored.unwrap().into_iter();
        State {
            has_carol: stores.users.credentials(&carol).await.unwrap().is_some(),
            sessions: self.server.chat.session_count(),
            texts: texts.map(|message| message.body.as_str().to_owned()).collect(),
            friends: stores.friends.friends(alice).await.unwrap().len(),
            groups: stores.groups.memberships(alice).await.unwrap().len(),
        }
    }

    /// Makes a request, on a connection of its own where alice's has a session already; answers the reply, and
    /// the connection, whose session ends with it.
    async fn ask(&mut self, request: HookedRequest) -> (Value, Option<Client>) {
        let (mut frame, _) = asked(request);
        frame["ref"] = "r".into();
        if matches!(request, HookedRequest::Register | HookedRequest::Login) {
            let mut client = self.server.connect().await;
            client.send(&frame).await;
            return (reply(&mut client).await, Some(client));
        }
        self.alice.send(&frame).await;
        (reply(&mut self.alice).await, None)
    }
}

/// The reply to what was asked; events are passed over.
async fn reply(client: &mut Client) -> Value {
    loop {
        let frame = client.frame().await;
        if frame["ref"] == "r" {
            return frame;
        }
    }
}

/// A request of alice's, or of somebody who has no session yet, and the type of its reply.
fn asked(request: HookedRequest) -> (Value, &'static str) {
    match request {
        HookedRequest::Register => (
            json!({"type": "register", "name": "carol", "password": PASSWORD}),
            "registered",
        ),
        HookedRequest::Login => (
            json!({"type": "login", "name": "bob", "password": PASSWORD, "device": "phone"}),
            "welcome",
        ),
        HookedRequest::Send => (
            json!({"type": "send", "to": {"user": 2}, "body": "hello", "data": {"key": 1}}),
            "sent",
        ),
        HookedRequest::AddFriend => (json!({"type": "add_friend", "user": 2}), "friend_added"),
        HookedRequest::CreateGroup => (json!({"type": "create_group", "name": "rust"}), "group_created"),
        HookedRequest::JoinGroup => (json!({"type": "join_group", "group": 1}), "group_joined"),
        request => panic!("{request} is new: what does it look like?"),
    }
}

/// Each request is done, and told.
async fn all_are_done(scene: &mut Scene) {
    let mut clients = Vec::new();
    for &request in HookedRequest::ALL {
        let before = scene.state().await;
        let (reply, client) = scene.ask(request).await;
        assert_eq!(reply["type"], asked(request).1, "{request}: {reply}");
        assert_ne!(scene.state().await, before, "{request}");
        assert_eq!(scene.next_told().await, request);
        // Its session goes on, so that nothing but the next request changes anything.
        clients.extend(client);
    }
}

/// Each request is answered with an error, changes nothing, and is not told.
async fn all_are_refused(scene: &mut Scene, act: Act, check: impl Fn(&Value)) {
    scene.act(act);
    for &request in HookedRequest::ALL {
        let before = scene.state().await;
        let (reply, client) = scene.ask(request).await;
        assert_eq!(reply["type"], "error", "{request}: {reply}");
        check(&reply);
        assert_eq!(scene.state().await, before, "{request}");
        // The connection goes on.
        client.unwrap_or(scene.server.connect().await).ping().await;
    }
    scene.alice.ping().await;
    scene.act(Act::Allow);
    // What is told next is the first of these, and nothing of the above.
    all_are_done(scene).await;
}

#[tokio::test]
async fn what_hooks_allow_is_done_and_told() {
    let mut scene = Scene::start(OnFailure::Refuse).await;
    all_are_done(&mut scene).await;
    assert_eq!(scene.state().await.texts, ["hello"]);
    scene.server.end().await;
}

#[tokio::test]
async fn what_hooks_refuse_is_an_ordinary_error_and_changes_nothing() {
    let mut scene = Scene::start(OnFailure::Refuse).await;
    all_are_refused(&mut scene, Act::Refuse, |reply| {
        assert_eq!(
            (&reply["code"], &reply["message"]),
            (&json!("forbidden"), &json!(REFUSAL))
        );
        assert!(reply["retry_after_ms"].is_null(), "{reply}");
    })
    .await;
}

#[tokio::test]
async fn what_hooks_fail_to_decide_is_unavailable_and_changes_nothing() {
    for act in [Act::Fail, Act::Hang] {
        let mut scene = Scene::start(OnFailure::Refuse).await;
        all_are_refused(&mut scene, act, |reply| {
            assert_eq!(
                (&reply["code"], &reply["retry_after_ms"]),
                (&json!("unavailable"), &json!(1_000))
            );
            assert!(!reply["message"].as_str().unwrap().contains("script"), "{reply}");
        })
        .await;
    }
}

#[tokio::test]
async fn what_hooks_fail_to_decide_is_done_where_it_is_to_pass() {
    for act in [Act::Fail, Act::Hang] {
        let mut scene = Scene::start(OnFailure::Pass).await;
        scene.act(act);
        all_are_done(&mut scene).await;
    }
}

#[tokio::test]
async fn a_text_that_a_hook_rewrites_is_what_is_stored_and_delivered() {
    let mut scene = Scene::start(OnFailure::Refuse).await;
    scene.act(Act::Rewrite);
    all_are_done(&mut scene).await;
    assert_eq!(scene.state().await.texts, [REWRITTEN]);
    let mut message = scene.bob.frame().await;
    while message["type"] != "message" {
        message = scene.bob.frame().await;
    }
    assert_eq!(
        (&message["body"], &message["data"], &message["from"]["id"]),
        (&json!(REWRITTEN), &json!({"key": 1}), &json!(1))
    );
}

#[tokio::test]
async fn sends_in_one_piece_are_answered_and_stored_in_their_order() {
    let mut scene = Scene::start(OnFailure::Refuse).await;
    let frames = (0..100).map(|number| {
        let text = number.to_string();
        let send = json!({"type": "send", "ref": number, "to": {"user": 2}, "body": text});
        let ping = json!({"type": "ping", "ref": number});
        format!("{send}\n{ping}\n")
    });
    let frames: String = frames.collect();
    scene.alice.send_bytes(frames.as_bytes()).await;
    for number in 0..100 {
        for expected in ["sent", "pong"] {
            let frame = scene.alice.frame().await;
            assert_eq!(
                (&frame["type"], &frame["ref"]),
                (&json!(expected), &json!(number))
            );
        }
    }
    let texts: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(scene.state().await.texts, texts);
}

#[tokio::test]
async fn no_hook_is_given_a_password_or_a_token() {
    let mut scene = Scene::start(OnFailure::Refuse).await;
    let (welcome, first) = scene.ask(HookedRequest::Login).await;
    let token = welcome["token"].as_str().unwrap();
    let mut client = scene.server.connect().await;
    client.send(&json!({"type": "login", "token": token})).await;
    assert_eq!(client.frame().await["type"], "welcome");
    all_are_done_but_login(&mut scene).await;
    let given = scene.hooks.given.lock().unwrap().clone();
    for method in ["Password", "Token"] {
        assert!(given.contains(&format!("method: {method}")), "{given}");
    }
    for secret in [PASSWORD, token] {
        assert!(!given.contains(secret), "{given}");
    }
    drop((first, client));
}

async fn all_are_done_but_login(scene: &mut Scene) {
    let others = HookedRequest::ALL
        .iter()
        .filter(|&&request| request != HookedRequest::Login);
    for &request in others {
        let (reply, _) = scene.ask(request).await;
        assert_eq!(reply["type"], asked(request).1, "{request}: {reply}");
    }
}

#[tokio::test]
async fn hooks_are_counted_by_request_and_by_what_they_came_to() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut scene = Scene::start(OnFailure::Refuse).await;
    for act in [Act::Refuse, Act::Fail, Act::Hang] {
        scene.act(act);
        for &request in HookedRequest::ALL {
            scene.ask(request).await;
        }
    }
    scene.act(Act::Rewrite);
    all_are_done(&mut scene).await;
    scene.server.end().await;
    let series = series(&counted);
    let value = |name: &str| series.get(name).copied().unwrap_or_default();
    // What the scene begins with: two registrations, two logins, a group.
    let at_the_start = |request| match request {
        HookedRequest::Register | HookedRequest::Login => 2,
        HookedRequest::CreateGroup => 1,
        _ => 0,
    };
    for &request in HookedRequest::ALL {
        let start = at_the_start(request);
        let rewritten = i64::from(request == HookedRequest::Send);
        for (outcome, count) in [
            ("allowed", start + 1 - rewritten),
            ("rewritten", rewritten),
            ("refused", 1),
            ("failed", 1),
            ("timed_out", 1),
        ] {
            let name = format!("chat_before_hooks_total{{request=\"{request}\",outcome=\"{outcome}\"}}");
            assert_eq!(value(&name), count, "{name}: {series:?}");
        }
        let name = format!("chat_before_hook_seconds_count{{request=\"{request}\"}}");
        assert_eq!(value(&name), start + 4, "{name}");
        let name = format!("chat_after_hooks_total{{request=\"{request}\",outcome=\"done\"}}");
        assert_eq!(value(&name), start + 1, "{name}");
        let name = format!("chat_after_hook_seconds_count{{request=\"{request}\"}}");
        assert_eq!(value(&name), start + 1, "{name}");
    }
    for (name, count) in [
        ("chat_logins_total{method=\"password\",outcome=\"refused\"}", 1),
        (
            "chat_logins_total{method=\"password\",outcome=\"unavailable\"}",
            2,
        ),
        ("chat_registrations_total{outcome=\"refused\"}", 1),
        ("chat_errors_total{code=\"forbidden\"}", 6),
    ] {
        assert_eq!(value(name), count, "{name}: {series:?}");
    }
}

#[tokio::test]
async fn hooks_after_requests_are_counted_by_what_they_came_to() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let limits = Limits {
        after_hook_timeout: Duration::from_millis(50),
        hooks_at_once: 1,
        ..Limits::default()
    };
    let mut scene = Scene::with(OnFailure::Refuse, limits).await;
    // Each is told when the one before it has ended.
    for after in [Act::Fail, Act::Hang, Act::Allow] {
        *scene.hooks.after.lock().unwrap() = after;
        assert_eq!(scene.ask(HookedRequest::Send).await.0["type"], "sent");
        assert_eq!(scene.next_told().await, HookedRequest::Send);
    }
    assert_after_sends(&counted, &[("failed", 1), ("timed_out", 1), ("dropped", 0)]);
    let series = series(&counted);
    assert_eq!(series["chat_limit_hits_total{limit=\"after_hook_timeout\"}"], 1);
}

#[tokio::test]
async fn hooks_after_requests_that_find_no_room_are_counted_and_hold_up_nobody() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let limits = Limits {
        after_hook_timeout: 10 * DEADLINE,
        hook_queue: 5,
        hooks_at_once: 1,
        ..Limits::default()
    };
    let mut scene = Scene::with(OnFailure::Refuse, limits).await;
    *scene.hooks.after.lock().unwrap() = Act::Hang;
    scene.ask(HookedRequest::Send).await;
    assert_eq!(scene.next_told().await, HookedRequest::Send);
    // The one that was told hangs, and as many wait as may.
    for _ in 0..8 {
        assert_eq!(scene.ask(HookedRequest::Send).await.0["type"], "sent");
    }
    assert_after_sends(&counted, &[("done", 0), ("timed_out", 0), ("dropped", 3)]);
    let series = series(&counted);
    assert_eq!(series["chat_limit_hits_total{limit=\"hook_queue\"}"], 3);
    assert!(scene.told.is_empty());
}

#[tokio::test]
async fn of_hooks_after_requests_none_is_lost_to_the_counters_when_the_node_ends() {
    const SENDS: i64 = 6;
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let limits = Limits {
        after_hook_timeout: Duration::from_millis(500),
        hooks_at_once: 1,
        close_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut scene = Scene::with(OnFailure::Refuse, limits).await;
    *scene.hooks.after.lock().unwrap() = Act::Hang;
    for _ in 0..SENDS {
        assert_eq!(scene.ask(HookedRequest::Send).await.0["type"], "sent");
    }
    // Long before all of them have timed out
    scene.server.chat.shutdown().await;
    let series = series(&counted);
    // Those that began have timed out, or were given up as were those that had not begun.
    let of = |outcome| series[&format!("chat_after_hooks_total{{request=\"send\",outcome=\"{outcome}\"}}")];
    assert_eq!(of("timed_out") + of("dropped"), SENDS, "{series:?}");
}

fn assert_after_sends(counted: &PrometheusHandle, outcomes: &[(&str, i64)]) {
    let series = series(counted);
    for (outcome, count) in outcomes {
        let name = format!("chat_after_hooks_total{{request=\"send\",outcome=\"{outcome}\"}}");
        assert_eq!(series[&name], *count, "{name}: {series:?}");
    }
}
