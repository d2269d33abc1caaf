//! Nodes and backends together, over a store in memory that tells what was really done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::BackendErrorKind::{NotDone, Unknown};
use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::MemoryStore;
use chat_core::ports::{
    Appended, CreateUser, FriendStore, GroupStore, MessageStore, Stores, UserSelector, UserStore,
};
use chat_core::types::{ConversationId, Seq, UserId, UserName};
use chat_core::{Clock, ManualClock, SystemClock};
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::scene::{eventually, kind, message, new_group, new_user, ready};

/// A store in memory, what fails before and behind it, and backends that offer it.
pub(crate) struct Scene {
    pub(crate) memory: Arc<MemoryStore>,
    pub(crate) faults: Faults,
    pub(crate) backends: Vec<Backend>,
}

impl Scene {
    pub(crate) async fn new(backends: usize) -> Self {
        let (memory, faults) = (Arc::new(MemoryStore::default()), Faults::default());
        let mut scene = Self {
            memory,
            faults,
            backends: Vec::new(),
        };
        for _ in 0..backends {
            let stores = scene.stores();
            scene
                .backends
                .push(Backend::start_with(stores, |serve| serve).await);
        }
        scene
    }

    pub(crate) fn stores(&self) -> Stores {
        Stores::of(Arc::new(Faulty::new(
            Arc::clone(&self.memory),
            self.faults.clone(),
        )))
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let addresses = self.backends.iter().map(|backend| backend.address.to_string());
        addresses.collect()
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        match self.memory.create_user(&new_user(name)).await.unwrap() {
            CreateUser::Created(user) => user.id,
            other => panic!("{other:?}"),
        }
    }

    /// The ids of what is stored in a conversation, in its order.
    pub(crate) async fn stored(&self, conversation: ConversationId) -> Vec<String> {
        let messages = self
            .memory
            .read_after(conversation, Seq::ZERO, 10_000)
            .await
            .unwrap();
        messages.iter().map(|message| message.id.to_string()).collect()
    }
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_stored_once_and_answers_its_seq() {
    let scene = Scene::new(2).await;
    let (alice, bob) = (scene.user("alice").await, scene.user("bob").await);
    let conversation = ConversationId::direct(alice, bob);
    let store = ready(&scene.addresses()).await;
    scene.faults.next_calls("append", 1, Fault::FailAfter);
    let batch = ["m-1", "m-2"].map(|id| message(conversation, alice, id));
    let appended = store.append(&batch).await.unwrap();
    let seq = |number| Seq::new(number).unwrap();
    // Not as duplicates, of whom others would have been told by whoever stored them.
    let expected = [1, 2].map(|number| Appended::Stored { seq: seq(number) });
    assert_eq!(appended, expected);
    let at = batch[0].at;
    let again = [1, 2].map(|number| Appended::Duplicate { seq: seq(number), at });
    assert_eq!(store.append(&batch).await.unwrap(), again);
    assert_eq!(scene.stored(conversation).await, ["m-1", "m-2"]);
    assert_eq!(scene.faults.calls("append"), 3);
}

#[tokio::test]
async fn a_creation_that_was_not_done_is_done_and_one_that_may_have_been_is_told() {
    let scene = Scene::new(2).await;
    let store = ready(&scene.addresses()).await;
    scene.faults.next_calls("create_user", 1, Fault::FailBefore);
    let made = store.create_user(&new_user("alice")).await.unwrap();
    let CreateUser::Created(alice) = made else {
        panic!("{made:?}")
    };
    scene.faults.next_calls("create_user", 1, Fault::FailAfter);
    assert_eq!(kind(store.create_user(&new_user("bob")).await), Unknown);
    let bob = UserSelector::Name(UserName::parse("bob").unwrap());
    assert!(
        scene.memory.credentials(&bob).await.unwrap().is_some(),
        "it was done, once"
    );
    scene.faults.next_calls("create_group", 1, Fault::FailAfter);
    assert_eq!(
        kind(store.create_group(&new_group("group", alice.id), 9).await),
        Unknown
    );
    assert_eq!(scene.faults.calls("create_group"), 1);
}

#[tokio::test]
async fn a_backend_that_fails_on_and_on_is_told_within_two_attempts() {
    let scene = Scene::new(1).await;
    let store = ready(&scene.addresses()).await;
    scene.faults.away(Faults::ANY, Fault::FailBefore);
    assert_eq!(kind(store.users(&[]).await), NotDone);
    assert_eq!(scene.faults.calls("users"), 2);
    scene.faults.clear();
    assert!(store.users(&[]).await.is_ok());
}

#[tokio::test]
async fn a_late_attempt_does_nothing() {
    // By the backend's clock the caller has given up, as after a stop with the call in hand.
    let clock = Arc::new(ManualClock::new(SystemClock.now().after(Duration::from_secs(60))));
    let scene = Scene::new(0).await;
    let late = Backend::start_with(scene.stores(), |serve| serve.clock(clock.clone())).await;
    let (alice, bob) = (scene.user("alice").await, scene.user("bob").await);
    let node = ready(&[late.address.to_string()]).await;
    assert_eq!(kind(node.add_friend(alice, bob, 9).await), NotDone);
    let conversation = ConversationId::direct(alice, bob);
    assert_eq!(
        kind(node.append(&[message(conversation, alice, "m")]).await),
        NotDone
    );
    assert!(scene.memory.friends(alice).await.unwrap().is_empty());
    assert!(scene.stored(conversation).await.is_empty());
    assert_eq!(
        (scene.faults.calls("append"), scene.faults.calls("add_friend")),
        (0, 0)
    );
    clock.set(SystemClock.now());
    assert!(node.add_friend(alice, bob, 9).await.is_ok());
}

#[tokio::test]
async fn a_backend_that_ends_answers_what_it_has() {
    let mut scene = Scene::new(1).await;
    let node = ready(&scene.addresses()).await;
    scene
        .faults
        .next_calls("create_user", 1, Fault::Delay(Duration::from_millis(300)));
    let mut tasks = JoinSet::new();
    let creator = node.clone();
    tasks.spawn(async move { creator.create_user(&new_user("alice")).await });
    eventually("the call arrives", || scene.faults.calls("create_user") == 1).await;
    let backend = scene.backends.remove(0);
    backend.end().await;
    let created = tasks.join_next().await.unwrap().unwrap();
    assert!(matches!(created, Ok(CreateUser::Created(_))), "{created:?}");
    assert_eq!(scene.faults.calls("create_user"), 1);
    assert_eq!(kind(node.ready(Duration::ZERO).await), NotDone);
}

#[tokio::test]
async fn a_rolling_restart_of_the_backends_fails_no_call() {
    let mut scene = Scene::new(2).await;
    let (alice, bob) = (scene.user("alice").await, scene.user("bob").await);
    let conversation = ConversationId::direct(alice, bob);
    let node = ready(&scene.addresses()).await;
    let (stop, mut tasks) = (tokio_util::sync::CancellationToken::new(), JoinSet::new());
    for sender in 0..4 {
        let (node, stop) = (node.clone(), stop.clone());
        tasks.spawn(async move {
            let mut sent = 0_usize;
            while !stop.is_cancelled() {
                let id = format!("m-{sender}-{sent}");
                node.append(&[message(conversation, alice, &id)]).await.unwrap();
                sent += 1;
            }
            sent
        });
    }
    eventually("messages flow", || scene.faults.calls("append") > 50).await;
    let ended = scene.backends.remove(0);
    let before = Instant::now();
    ended.end().await;
    assert!(
        before.elapsed() < Duration::from_secs(3),
        "{:?}",
        before.elapsed()
    );
    let calls = scene.faults.calls("append");
    eventually("messages flow on", || scene.faults.calls("append") > calls + 50).await;
    stop.cancel();
    let sent: usize = tasks.join_all().await.into_iter().sum();
    let stored = scene.stored(conversation).await;
    assert_eq!(stored.len(), sent, "all that were answered, each once");
}
