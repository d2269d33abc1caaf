//! Hooks that do what a test says, and a node that has them.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::faulty::{Faults, Faulty};
use chat_core::hooks::{
    Decision, Draft, Friendship, GroupDraft, HookError, HookedRequest, Hooks, Joining, OnFailure,
    Registration, UserLogin,
};
use chat_core::memory::MemoryBackends;
use chat_core::ports::{Backends, MessageStore as _, Stores};
use chat_core::protocol::{GroupView, MessageView, OutgoingMessage, Recipient};
use chat_core::types::{Body, ConversationId, Message, Seq, User};
use chat_core::{Chat, Connection, ErrorCode, Limits, Session, SessionOptions};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Longer than anything in a test may take; it passes in paused time.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// What a hook does.
#[derive(Clone, Debug, Default)]
pub(crate) enum Act {
    #[default]
    Allow,
    Refuse(String),
    Fail,
    Panic,
    Hang,
    /// Waits, and allows.
    Wait(Duration),
}

/// What the hooks after requests were told, in short.
type Told = Vec<String>;

#[derive(Debug, Default)]
pub(crate) struct Scripted {
    /// What hooks before requests do: for sends of one text, or for all of a request.
    before_text: Mutex<HashMap<String, Act>>,
    before: Mutex<HashMap<HookedRequest, Act>>,
    after: Mutex<HashMap<HookedRequest, Act>>,
    unasked: Vec<HookedRequest>,
    passing: Vec<HookedRequest>,
    asked: Mutex<Vec<HookedRequest>>,
    told: Mutex<Told>,
    tells: Notify,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

impl Scripted {
    /// Hooks that are not asked before such requests.
    pub(crate) fn not_asking(unasked: Vec<HookedRequest>) -> Self {
        Self {
            unasked,
            ..Self::default()
        }
    }

    /// Hooks that let such requests pass where they fail.
    pub(crate) fn passing(passing: Vec<HookedRequest>) -> Self {
        Self {
            passing,
            ..Self::default()
        }
    }

    pub(crate) fn before(&self, request: HookedRequest, act: Act) {
        self.before.lock().unwrap().insert(request, act);
    }

    pub(crate) fn before_text(&self, text: &str, act: Act) {
        self.before_text.lock().unwrap().insert(text.to_owned(), act);
    }

    pub(crate) fn after(&self, request: HookedRequest, act: Act) {
        self.after.lock().unwrap().insert(request, act);
    }

    /// How often hooks were asked before a request.
    pub(crate) fn asked(&self, request: HookedRequest) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|other| **other == request).count()
    }

    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    /// Waits until so much was told.
    pub(crate) async fn told_times(&self, count: usize) -> Told {
        let wait = async {
            loop {
                let told = self.told();
                if told.len() >= count {
                    return told;
                }
                self.tells.notified().await;
            }
        };
        let waited = timeout(LONG, wait).await;
        waited.unwrap_or_else(|_| panic!("only {:?} was told", self.told()))
    }

    /// How many hooks after requests ran at the same time at most.
    pub(crate) fn most_running(&self) -> usize {
        self.most_running.load(Ordering::SeqCst)
    }

    async fn decide<R>(&self, request: HookedRequest, text: Option<&str>) -> Result<Decision<R>, HookError> {
        self.asked.lock().unwrap().push(request);
        let of_text = text.and_then(|text| self.before_text.lock().unwrap().get(text).cloned());
        let of_request = || self.before.lock().unwrap().get(&request).cloned();
        match of_text.or_else(of_request).unwrap_or_default() {
            Act::Refuse(text) => Ok(Decision::refuse(ErrorCode::Forbidden, text)),
            act => act.run().await.map(|()| Decision::Allow),
        }
    }

    async fn tell(&self, request: HookedRequest, what: String) -> Result<(), HookError> {
        let act = self.after.lock().unwrap().get(&request).cloned();
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        self.told.lock().unwrap().push(what);
        self.tells.notify_one();
        let result = act.unwrap_or_default().run().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

impl Act {
    async fn run(self) -> Result<(), HookError> {
        match self {
            Self::Allow | Self::Refuse(_) => Ok(()),
            Self::Fail => Err(HookError::new("the script says so").because("a line of it")),
            Self::Panic => panic!("the script says so"),
            Self::Hang => pending().await,
            Self::Wait(time) => {
                sleep(time).await;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Hooks for Scripted {
    fn asks_before(&self, request: HookedRequest) -> bool {
        !self.unasked.contains(&request)
    }

    fn on_failure(&self, request: HookedRequest) -> OnFailure {
        if self.passing.contains(&request) {
            OnFailure::Pass
        } else {
            OnFailure::Refuse
        }
    }

    async fn before_register(&self, _: &Registration) -> Result<Decision, HookError> {
        self.decide(HookedRequest::Register, None).await
    }

    async fn before_login(&self, _: &UserLogin) -> Result<Decision, HookError> {
        self.decide(HookedRequest::Login, None).await
    }

    async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
        let text = draft.message.body.as_str();
        self.decide(HookedRequest::Send, Some(text)).await
    }

    async fn before_add_friend(&self, _: &Friendship) -> Result<Decision, HookError> {
        self.decide(HookedRequest::AddFriend, None).await
    }

    async fn before_create_group(&self, _: &GroupDraft) -> Result<Decision, HookError> {
        self.decide(HookedRequest::CreateGroup, None).await
    }

    async fn before_join_group(&self, _: &Joining) -> Result<Decision, HookError> {
        self.decide(HookedRequest::JoinGroup, None).await
    }

    async fn after_register(&self, user: &User) -> Result<(), HookError> {
        self.tell(HookedRequest::Register, format!("{} registered", user.name))
            .await
    }

    async fn after_login(&self, login: &UserLogin) -> Result<(), HookError> {
        let (name, method) = (&login.user.name, login.method.as_str());
        self.tell(HookedRequest::Login, format!("{name} logged in by {method}"))
            .await
    }

    async fn after_send(&self, message: &MessageView) -> Result<(), HookError> {
        let (conversation, seq) = (message.conversation, message.seq);
        let (name, text) = (&message.from.name, message.body.as_str());
        self.tell(
            HookedRequest::Send,
            format!("{conversation} {seq} {name}: {text}"),
        )
        .await
    }

    async fn after_add_friend(&self, friendship: &Friendship) -> Result<(), HookError> {
        let (user, friend) = (&friendship.user.name, &friendship.friend.name);
        self.tell(HookedRequest::AddFriend, format!("{user} befriended {friend}"))
            .await
    }

    async fn after_create_group(&self, creator: &User, group: &GroupView) -> Result<(), HookError> {
        let what = format!("{} made {}", creator.name, group.name);
        self.tell(HookedRequest::CreateGroup, what).await
    }

    async fn after_join_group(&self, member: &User, group: &GroupView) -> Result<(), HookError> {
        let what = format!("{} joined {}", member.name, group.name);
        self.tell(HookedRequest::JoinGroup, what).await
    }
}

/// A node with hooks, and two users.
pub(crate) struct Scene {
    pub(crate) hooks: Arc<Scripted>,
    pub(crate) store: Faults,
    pub(crate) chat: Chat,
    pub(crate) alice: User,
    pub(crate) bob: User,
    shared: MemoryBackends,
}

impl Scene {
    pub(crate) async fn of(hooks: Scripted) -> Self {
        Self::with(hooks, Limits::default()).await
    }

    pub(crate) async fn with(hooks: Scripted, limits: Limits) -> Self {
        let (shared, store) = (MemoryBackends::default(), Faults::default());
        let faulty = Faulty::new(Arc::clone(&shared.store), store.clone());
        let backends = Backends {
            stores: Stores::of(Arc::new(faulty)),
            ..shared.backends()
        };
        let hooks = Arc::new(hooks);
        let builder = Chat::builder(backends).limits(limits);
        let chat = builder.hooks(Arc::clone(&hooks) as _).start();
        let alice = chat.ensure_user("alice".parse().unwrap()).await.unwrap();
        let bob = chat.ensure_user("bob".parse().unwrap()).await.unwrap();
        hooks.told_times(2).await;
        hooks.told.lock().unwrap().clear();
        Self {
            hooks,
            store,
            chat,
            alice,
            bob,
            shared,
        }
    }

    /// A session of a user; what the hooks were told of it is forgotten.
    pub(crate) async fn session(&self, user: &User) -> Session {
        let session = self.chat.session(user.id, SessionOptions::default()).await;
        self.hooks.told_times(1).await;
        self.hooks.told.lock().unwrap().clear();
        session.unwrap()
    }

    /// The same as a connection that has got its `welcome` and `synced`.
    pub(crate) async fn connection(&self, user: &User) -> Connection {
        let options = SessionOptions::default();
        let mut connection = self.chat.accept_as(user.id, options, None).await.unwrap();
        frames_until(&mut connection, "synced").await;
        self.hooks.told_times(1).await;
        self.hooks.told.lock().unwrap().clear();
        connection
    }

    /// A `send` to bob.
    pub(crate) fn send(&self, text: &str) -> Vec<u8> {
        let frame = json!({"type": "send", "ref": text, "to": {"user": self.bob.id}, "body": text});
        frame.to_string().into_bytes()
    }

    /// A message to bob.
    pub(crate) fn message(&self, text: &str) -> OutgoingMessage {
        OutgoingMessage::text(Recipient::User(self.bob.id), text).unwrap()
    }

    /// What alice and bob have stored together.
    pub(crate) async fn stored(&self) -> Vec<Message> {
        let conversation = ConversationId::direct(self.alice.id, self.bob.id);
        let store = &self.shared.store;
        store.read_after(conversation, Seq::ZERO, 1_000).await.unwrap()
    }
}

/// Reads frames up to one of this type, which is the last of those answered.
pub(crate) async fn frames_until(connection: &mut Connection, last: &str) -> Vec<Value> {
    let mut frames: Vec<Value> = Vec::new();
    let reading = async {
        while frames.last().is_none_or(|frame| frame["type"] != last) {
            let mut taken: Vec<Bytes> = Vec::new();
            connection.next_frames(&mut taken).await;
            connection.written();
            frames.extend(
                taken
                    .iter()
                    .map(|frame| serde_json::from_slice::<Value>(frame).unwrap()),
            );
        }
    };
    timeout(LONG, reading).await.expect("the frame comes");
    frames
}
