//! Who is online, and what the store says of it, while nodes die and backends fail or forget.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::{MemoryBackends, MemoryPresence};
use chat_core::ports::{Backends, Presence, Stores, UserStore as _};
use chat_core::protocol::{Event, UserSelector};
use chat_core::types::{NodeId, User, UserId};
use chat_core::{BackendError, Chat, Clock, Limits, Session, Timestamp};
use tokio::time::{Instant, advance, sleep, sleep_until, timeout};

use crate::fixture::{LONG, session, session_on, user};

/// What users may have to wait for.
const PROMISED: Duration = Duration::from_secs(15);

/// The time of day that passes as tokio's does, so that leases end in paused time.
#[derive(Debug)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).after(self.0.elapsed())
    }
}

/// Presence that can lose all its data.
#[derive(Debug, Default)]
struct Forgetful(Mutex<Arc<MemoryPresence>>);

impl Forgetful {
    fn forget(&self) {
        *self.0.lock().unwrap() = Arc::default();
    }

    fn now(&self) -> Arc<MemoryPresence> {
        Arc::clone(&self.0.lock().unwrap())
    }
}

#[async_trait]
impl Presence for Forgetful {
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        self.now().renew(node, users, now, ttl).await
    }

    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError> {
        self.now().release(node, users, now).await
    }

    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError> {
        self.now().online(users, now).await
    }

    async fn count(&self, now: Timestamp) -> Result<usize, BackendError> {
        self.now().count(now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.now().sweep(now, limit).await
    }
}

/// What the nodes share.
struct Cluster {
    shared: MemoryBackends,
    presence: Arc<Forgetful>,
}

/// A node whose ways to the backends can be cut.
struct Node {
    chat: Chat,
    store: Faults,
    presence: Faults,
}

impl Cluster {
    fn new() -> Self {
        Self {
            shared: MemoryBackends::new(Arc::new(PausedClock(Instant::now()))),
            presence: Arc::default(),
        }
    }

    fn node(&self, name: &str) -> Node {
        let (store, presence) = (Faults::default(), Faults::default());
        let faulty = Faulty::new(Arc::clone(&self.shared.store), store.clone());
        let backends = Backends {
            stores: Stores::of(Arc::new(faulty)),
            presence: Arc::new(Faulty::new(Arc::clone(&self.presence), presence.clone())),
            ..self.shared.backends()
        };
        let chat = Chat::builder(backends)
            .limits(Limits::default())
            .node(NodeId::parse(name).unwrap())
            .start();
        Node {
            chat,
            store,
            presence,
        }
    }

    /// Users whom the store has as online.
    async fn stored_as_online(&self) -> Vec<UserId> {
        self.shared.store.online_states(None, 1_000).await.unwrap()
    }

    /// Waits until the store has exactly these as online.
    async fn stores_as_online(&self, expected: &[&User]) {
        let expected: Vec<_> = expected.iter().map(|user| user.id).collect();
        let waiting = async {
            while self.stored_as_online().await != expected {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(LONG, waiting)
            .await
            .expect("the stored states become right");
    }

    /// Watches for a time that the store has exactly these as online.
    async fn keeps_as_online(&self, expected: &[&User], time: Duration) {
        let expected: Vec<_> = expected.iter().map(|user| user.id).collect();
        let begun = Instant::now();
        while begun.elapsed() < time {
            assert_eq!(self.stored_as_online().await, expected, "{:?}", begun.elapsed());
            sleep(Duration::from_millis(250)).await;
        }
    }
}

impl Node {
    /// Ends it as `kill -9` does: it tells nobody anything any more.
    fn kill(self) {
        self.store.away(Faults::ANY, Fault::FailBefore);
        self.presence.away(Faults::ANY, Fault::FailBefore);
    }
}

/// Alice and bob, who are friends.
async fn friends(node: &Node) -> (User, User) {
    let (alice, bob) = (user(&node.chat, "alice").await, user(&node.chat, "bob").await);
    let session = session(&node.chat, &alice).await;
    session.add_friend(UserSelector::Id(bob.id)).await.unwrap();
    (alice, bob)
}

/// Waits until a session is told that this user came or went; other events are passed over.
async fn is_told(session: &mut Session, of: &User, online: bool) {
    let telling = async {
        loop {
            let event = session.next_event().await.expect("the session goes on");
            if matches!(event, Event::Presence { user, online: told } if user.id == of.id && told == online) {
                return;
            }
        }
    };
    timeout(LONG, telling).await.expect("the news comes");
}

#[tokio::test(start_paused = true)]
async fn the_users_of_a_killed_node_are_offline_within_15_s_wherever_it_stood() {
    let interval = Limits::default().presence_interval;
    for phase in 0..6 {
        let cluster = Cluster::new();
        let dying = cluster.node("dying");
        let started = Instant::now();
        let (alice, bob) = friends(&dying).await;
        let _alice_there = session(&dying.chat, &alice).await;
        sleep(interval * phase / 6).await;
        let living = cluster.node("living");
        let mut bob_here = session(&living.chat, &bob).await;
        cluster.stores_as_online(&[&alice, &bob]).await;

        // Just after a renewal, so that the lease lasts longest.
        sleep_until(started + interval * 3 + Duration::from_millis(10)).await;
        let killed = Instant::now();
        dying.kill();
        is_told(&mut bob_here, &alice, false).await;
        cluster.stores_as_online(&[&bob]).await;
        let waited = killed.elapsed();
        assert!(waited < PROMISED - Duration::from_secs(2), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_logs_in_elsewhere_after_a_kill_stays_online() {
    let cluster = Cluster::new();
    let (dying, living) = (cluster.node("dying"), cluster.node("living"));
    let (alice, bob) = friends(&dying).await;
    let _alice_there = session(&dying.chat, &alice).await;
    let _bob_here = session(&living.chat, &bob).await;
    cluster.stores_as_online(&[&alice, &bob]).await;
    dying.kill();
    let _alice_here = session(&living.chat, &alice).await;
    cluster.keeps_as_online(&[&alice, &bob], PROMISED * 3).await;
}

#[tokio::test(start_paused = true)]
async fn who_logs_in_is_told_of_without_reading_their_name_and_friends_again() {
    let cluster = Cluster::new();
    let node = cluster.node("node");
    let (alice, bob) = friends(&node).await;
    let mut bob_here = session(&node.chat, &bob).await;
    cluster.stores_as_online(&[&bob]).await;
    // Presence takes its time, for which the login waits; and so does the login's read, for which the news wait.
    node.presence
        .away("renew", Fault::Delay(Duration::from_millis(20)));
    node.store
        .away("session_start", Fault::Delay(Duration::from_millis(100)));
    let reads = || ["users", "friends"].map(|method| node.store.calls(method));
    let [users, friends] = reads();
    let _alice_here = session(&node.chat, &alice).await;
    assert_eq!(
        reads(),
        [users + 1, friends],
        "the host's application names a user by id"
    );
    is_told(&mut bob_here, &alice, true).await;
    assert_eq!(reads(), [users + 1, friends]);
}

#[tokio::test(start_paused = true)]
async fn presence_that_is_away_or_stalls_delays_no_login_once_that_is_known() {
    let allowed = Limits::default().presence_timeout;
    for (fault, first) in [
        (Fault::FailBefore, Duration::ZERO),
        (Fault::FailAfter, Duration::ZERO),
        (Fault::Delay(LONG), allowed),
    ] {
        let cluster = Cluster::new();
        let node = cluster.node("node");
        // Without friends, whose states a login asks for.
        let alice = user(&node.chat, "alice").await;
        let bob = user(&node.chat, "bob").await;
        let carol = user(&node.chat, "carol").await;
        let time_of = async |user: &User, device: &str| {
            let begun = Instant::now();
            let session = session_on(&node.chat, user, device).await;
            (begun.elapsed(), session)
        };
        let _alice_there = session(&node.chat, &alice).await;
        cluster.stores_as_online(&[&alice]).await;
        node.presence.away(Faults::ANY, fault);
        // Who has a session here waits for nothing, also as long as nobody knows.
        let (waited, _alice_here) = time_of(&alice, "second").await;
        assert_eq!(waited, Duration::ZERO, "{fault:?}");
        let (waited, _bob_here) = time_of(&bob, "phone").await;
        assert!(waited <= first, "{fault:?}: {waited:?}");
        sleep(Duration::from_millis(1)).await;
        for _ in 0..3 {
            let (waited, carol_here) = time_of(&carol, "phone").await;
            assert_eq!(waited, Duration::ZERO, "{fault:?}");
            drop(carol_here);
            sleep(PROMISED).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_store_missed_is_written_and_told_when_it_is_back() {
    for missed in ["set_states", "users", "friends", Faults::ANY] {
        for fault in [Fault::FailBefore, Fault::FailAfter, Fault::Delay(LONG)] {
            let cluster = Cluster::new();
            let (one, other) = (cluster.node("one"), cluster.node("other"));
            let (alice, bob) = friends(&one).await;
            let alice_there = session(&one.chat, &alice).await;
            let mut bob_here = session(&other.chat, &bob).await;
            cluster.stores_as_online(&[&alice, &bob]).await;
            for node in [&one, &other] {
                node.store.away(missed, fault);
            }
            drop(alice_there);
            sleep(PROMISED).await;
            for node in [&one, &other] {
                node.store.clear();
            }
            is_told(&mut bob_here, &alice, false).await;
            cluster.stores_as_online(&[&bob]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn news_that_became_old_while_it_waited_is_not_told() {
    let cluster = Cluster::new();
    let (one, other) = (cluster.node("one"), cluster.node("other"));
    let (alice, bob) = friends(&one).await;
    let alice_there = session(&one.chat, &alice).await;
    let mut bob_here = session(&other.chat, &bob).await;
    cluster.stores_as_online(&[&alice, &bob]).await;
    one.store.away("set_states", Fault::FailBefore);
    drop(alice_there);
    sleep(Duration::from_secs(5)).await;
    let _alice_here = session(&other.chat, &alice).await;
    is_told(&mut bob_here, &alice, true).await;
    one.store.clear();
    let telling = timeout(PROMISED * 2, is_told(&mut bob_here, &alice, false));
    assert!(telling.await.is_err(), "alice is online");
    assert_eq!(cluster.stored_as_online().await, [alice.id, bob.id]);
}

#[tokio::test(start_paused = true)]
async fn answers_of_presence_that_were_lost_are_told_all_the_same() {
    let cluster = Cluster::new();
    let (one, other) = (cluster.node("one"), cluster.node("other"));
    let (alice, bob) = friends(&one).await;
    let mut bob_here = session(&other.chat, &bob).await;
    cluster.stores_as_online(&[&bob]).await;

    one.presence.next_calls("renew", 1, Fault::FailAfter);
    let alice_there = session(&one.chat, &alice).await;
    is_told(&mut bob_here, &alice, true).await;
    cluster.stores_as_online(&[&alice, &bob]).await;

    one.presence.next_calls("release", 1, Fault::FailAfter);
    drop(alice_there);
    is_told(&mut bob_here, &alice, false).await;
    cluster.stores_as_online(&[&bob]).await;
}

#[tokio::test(start_paused = true)]
async fn when_presence_forgets_all_while_a_node_dies_its_users_go_offline_still() {
    let cluster = Cluster::new();
    let (dying, living) = (cluster.node("dying"), cluster.node("living"));
    let (alice, bob) = friends(&dying).await;
    let _alice_there = session(&dying.chat, &alice).await;
    let mut bob_here = session(&living.chat, &bob).await;
    cluster.stores_as_online(&[&alice, &bob]).await;
    dying.kill();
    cluster.presence.forget();
    is_told(&mut bob_here, &alice, false).await;
    cluster.stores_as_online(&[&bob]).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_answer_of_a_sweep_is_lost_its_users_go_offline_still() {
    let cluster = Cluster::new();
    let (dying, living) = (cluster.node("dying"), cluster.node("living"));
    let (alice, bob) = friends(&dying).await;
    let _alice_there = session(&dying.chat, &alice).await;
    let mut bob_here = session(&living.chat, &bob).await;
    cluster.stores_as_online(&[&alice, &bob]).await;
    living.presence.away("sweep", Fault::FailAfter);
    dying.kill();
    sleep(PROMISED).await;
    living.presence.clear();
    is_told(&mut bob_here, &alice, false).await;
    cluster.stores_as_online(&[&bob]).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_taken_for_offline_before_the_nodes_could_renew_what_presence_forgot() {
    for millis in (0..3_000).step_by(1_000) {
        let cluster = Cluster::new();
        let living = cluster.node("living");
        let alice = user(&living.chat, "alice").await;
        let _alice_here = session(&living.chat, &alice).await;
        cluster.stores_as_online(&[&alice]).await;
        sleep(Duration::from_millis(millis)).await;
        cluster.presence.forget();
        let _starting = cluster.node("starting");
        cluster.keeps_as_online(&[&alice], PROMISED * 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_finds_the_states_that_a_crash_left_wrong() {
    let cluster = Cluster::new();
    let dying = cluster.node("dying");
    let (alice, bob) = friends(&dying).await;
    let _sessions = (
        session(&dying.chat, &alice).await,
        session(&dying.chat, &bob).await,
    );
    cluster.stores_as_online(&[&alice, &bob]).await;
    dying.kill();
    cluster.presence.forget();
    let starting = cluster.node("starting");
    let _bob_here = session(&starting.chat, &bob).await;
    cluster.stores_as_online(&[&bob]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_store_lets_no_lease_end() {
    let cluster = Cluster::new();
    let node = cluster.node("node");
    let (alice, bob) = friends(&node).await;
    let _alice_here = session(&node.chat, &alice).await;
    let bob_here = session(&node.chat, &bob).await;
    cluster.stores_as_online(&[&alice, &bob]).await;
    node.store.away(Faults::ANY, Fault::Delay(LONG));
    drop(bob_here);
    let begun = Instant::now();
    while begun.elapsed() < PROMISED * 2 {
        sleep(Duration::from_millis(100)).await;
        let now = cluster.shared.clock.now();
        assert_eq!(cluster.presence.online(&[alice.id], now).await.unwrap(), [true]);
    }
}

#[tokio::test(start_paused = true)]
async fn states_that_somebody_changed_by_hand_are_found_by_the_slow_check() {
    let cluster = Cluster::new();
    let node = cluster.node("node");
    let (alice, bob) = friends(&node).await;
    let _alice_here = session(&node.chat, &alice).await;
    cluster.stores_as_online(&[&alice]).await;
    advance(PROMISED).await;
    cluster.keeps_as_online(&[&alice], PROMISED).await;
    let store = &cluster.shared.store;
    store.set_states(&[alice.id], false).await.unwrap();
    store.set_states(&[bob.id], true).await.unwrap();
    sleep(Limits::default().presence_check).await;
    cluster.stores_as_online(&[&alice]).await;
}
