//! The node's parts in one place, and how its tasks start and stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::acks::{self, Acks, Flushes};
use super::allowance::{Allowances, Rate};
use super::changes::Changes;
use super::connections::{self, Connections};
use super::gate::{Access, Gate};
use super::health::Reads;
use super::hooks::{self, NodeHooks, Untold};
use super::hub::Hub;
use super::journal::Journal;
use super::limit::LimitHits;
use super::meters::{BackendMeters, Meters};
use super::passwords::Passwords;
use super::publisher::{self, Publisher};
use super::record_rate::RecordRate;
use super::status::{self, StatusSource};
use super::supervise::spawn;
use super::writer::{self, Writer};
use super::{listener, meters, presence, probe, pull, watch};
use crate::hooks::Hooks;
use crate::limits::Limits;
use crate::operation::{NamesInLog, NodeRole, NotReady, Readiness, UsageSource};
use crate::ports::{Backends, Level, Notice, NoticeKind, SendPolicy, Topic};
use crate::types::{Device, NodeId, SessionId, UserId};

/// What all sessions of a node share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) role: NodeRole,
    pub(crate) limits: Limits,
    pub(crate) policy: SendPolicy,
    pub(crate) backends: Backends,
    pub(crate) journal: Arc<Journal>,
    /// What the event log holds of users' names.
    pub(crate) names_in_log: NamesInLog,
    pub(crate) status: StatusSource,
    pub(crate) slow_requests: RecordRate,
    pub(crate) meters: Meters,
    pub(crate) limit_hits: Arc<LimitHits>,
    /// The way to the stores.
    pub(crate) store: Gate,
    /// The way to the bus.
    pub(crate) bus: Gate,
    /// The way to presence.
    pub(crate) presence: Gate,
    pub(crate) hub: Hub,
    pub(crate) writer: Writer,
    pub(crate) acks: Acks,
    pub(crate) publisher: Publisher,
    pub(crate) changes: Changes,
    pub(crate) passwords: Passwords,
    /// What the application decides and hears of; `None` costs nothing.
    pub(crate) hooks: Option<NodeHooks>,
    pub(crate) connections: Connections,
    pub(crate) registrations: Allowances<IpAddr>,
    pub(crate) failed_logins: Allowances<(Option<IpAddr>, String)>,
    pub(crate) failed_logins_by_address: Allowances<IpAddr>,
    /// Places for sessions that read the store for delivery.
    pub(crate) delivery_reads: Semaphore,
    /// Something may have been missed: pull at once.
    pub(crate) pull: tokio::sync::Notify,
    /// No further message is taken; what was taken is stored and answered.
    pub(crate) stop_writing: CancellationToken,
    /// All other tasks but the publisher end.
    pub(crate) stop: CancellationToken,
    /// A task has failed, and with it the node.
    pub(crate) failed: CancellationToken,
    /// The publisher makes its last attempt.
    pub(crate) stop_publishing: CancellationToken,
    last_session: AtomicU64,
}

impl Node {
    pub(crate) fn next_session(&self) -> SessionId {
        SessionId::new(self.last_session.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether the node should be sent clients.
    pub(crate) fn readiness(&self) -> Readiness {
        let reasons = [
            (self.connections.is_draining(), NotReady::Draining),
            (!self.store.is_available(), NotReady::StoreAway),
            (self.failed.is_cancelled(), NotReady::Failed),
        ];
        let reasons = reasons.into_iter().filter(|(applies, _)| *applies);
        Readiness {
            reasons: reasons.map(|(_, reason)| reason).collect(),
        }
    }

    /// Which of these users are online; all offline where presence cannot tell.
    pub(crate) async fn online(&self, users: &[UserId]) -> Vec<bool> {
        if users.is_empty() {
            return Vec::new();
        }
        let call = self.backends.presence.online(users, self.backends.clock.now());
        let online = self.presence.bounded(Access::Read, call).await;
        online.unwrap_or_else(|_| vec![false; users.len()])
    }

    /// Tells the other nodes that a session of a device began here.
    pub(crate) fn tell_device_opened(&self, user: UserId, device: Device, epoch: u64) {
        self.tell(Topic::User(user), NoticeKind::DeviceOpened { device, epoch });
    }

    /// Tells the other nodes.
    pub(crate) fn tell(&self, topic: Topic, kind: NoticeKind) {
        self.publisher.publish(vec![Notice {
            topic,
            origin: self.id.clone(),
            kind,
        }]);
    }

    /// Tells all sessions of a topic, here and elsewhere, but those of one user here.
    pub(crate) fn tell_all(&self, topic: Topic, event: crate::protocol::Event, but: Option<UserId>) {
        let Ok(frame) = event.to_frame().encode() else {
            return;
        };
        self.hub.event(topic, &frame, but);
        self.tell(topic, NoticeKind::Event { frame });
    }
}

/// A node's tasks, in the order in which they are stopped.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    writing: TaskTracker,
    background: TaskTracker,
    publishing: TaskTracker,
}

impl Tasks {
    /// Makes all tasks end without waiting for them.
    pub(crate) fn cancel(&self, node: &Node) {
        for stop in [&node.stop_writing, &node.stop, &node.stop_publishing] {
            stop.cancel();
        }
    }

    /// Stops the tasks, each group when those before it are done, and waits for them.
    pub(crate) async fn stop(&self, node: &Node) {
        let groups = [
            (&self.writing, &node.stop_writing),
            (&self.background, &node.stop),
            (&self.publishing, &node.stop_publishing),
        ];
        for (tasks, stop) in groups {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }
}

/// What a node is made of.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) id: NodeId,
    pub(crate) role: NodeRole,
    pub(crate) backends: Backends,
    pub(crate) limits: Limits,
    pub(crate) policy: SendPolicy,
    pub(crate) names_in_log: NamesInLog,
    pub(crate) usage: UsageSource,
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
    /// What is recorded of how it is set up.
    pub(crate) settings: Map<String, Value>,
}

/// Makes a node and starts its tasks on the present runtime.
pub(crate) fn start(setup: Setup, tasks: &Tasks) -> Arc<Node> {
    let Setup { backends, limits, .. } = setup;
    let journal = begin_journal(&setup.id, setup.role, &backends, setup.settings);
    let limit_hits = Arc::new(LimitHits::new());
    let hits = || Arc::clone(&limit_hits);
    let [store, bus, presence] = gates(&limits, &limit_hits, &journal);
    let (writer, queues) = Writer::new(limits.writer_shards, limits.writer_queue);
    let publisher = Publisher::new(limits.bus_queue, hits());
    let (acks, flushes) = Acks::new(limits.pending_acks, hits());
    let install = |hooks| NodeHooks::new(hooks, &limits, hits(), Arc::clone(&journal));
    let (hooks, untold) = setup.hooks.map(install).unzip();
    let addresses = limits.remembered_addresses;
    let [registrations, failed_name, failed_address] = rates(&limits);
    let node = Arc::new(Node {
        store,
        bus,
        presence,
        hub: Hub::new(),
        meters: Meters::new(),
        writer,
        acks,
        publisher,
        changes: Changes::new(limits.presence_changes, limits.presence_lease, hits()),
        passwords: Passwords::new(&limits, hits()),
        hooks,
        connections: Connections::new(hits()),
        registrations: Allowances::new(registrations, addresses),
        failed_logins: Allowances::new(failed_name, addresses),
        failed_logins_by_address: Allowances::new(failed_address, addresses),
        delivery_reads: Semaphore::new(limits.delivery_reads.max(1)),
        pull: tokio::sync::Notify::new(),
        stop_writing: CancellationToken::new(),
        stop: CancellationToken::new(),
        stop_publishing: CancellationToken::new(),
        failed: CancellationToken::new(),
        last_session: AtomicU64::new(0),
        id: setup.id,
        role: setup.role,
        policy: setup.policy,
        backends,
        journal,
        names_in_log: setup.names_in_log,
        status: StatusSource::new(setup.usage),
        slow_requests: RecordRate::default(),
        limit_hits,
        limits,
    });
    if node.role == NodeRole::Clients {
        writer::start(&node, queues, &tasks.writing);
        start_for_sessions(&node, flushes, untold, &tasks.background);
        let publishing = publisher::run(Arc::clone(&node));
        spawn(&tasks.publishing, &node, "publisher", publishing);
    }
    start_watching(&node, &tasks.background);
    node
}

/// The first record is that of the start, whatever the node's tasks meet.
fn begin_journal(
    id: &NodeId,
    role: NodeRole,
    backends: &Backends,
    settings: Map<String, Value>,
) -> Arc<Journal> {
    let (log, clock) = (Arc::clone(&backends.log), Arc::clone(&backends.clock));
    let journal = Arc::new(Journal::new(id.clone(), log, clock));
    let fields = [
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("role", role.as_str().into()),
        ("settings", settings.into()),
    ];
    journal.record(Level::Info, "node_started", fields);
    journal
}

/// The ways to the store, the bus and presence.
fn gates(limits: &Limits, limit_hits: &Arc<LimitHits>, journal: &Arc<Journal>) -> [Gate; 3] {
    let gate = |meters, reads, timeout| {
        let journal = Arc::clone(journal);
        Gate::new(meters, reads, timeout, limits.retry_after, journal)
    };
    let (store, bus) = (BackendMeters::store(limit_hits), BackendMeters::bus(limit_hits));
    let presence = BackendMeters::presence(limit_hits);
    [
        gate(store, Reads::ProveReads, limits.store_timeout),
        gate(bus, Reads::ProveAll, limits.bus_timeout),
        gate(presence, Reads::ProveAll, limits.presence_timeout),
    ]
}

/// How often one may register, and fail to log in by name and by address.
fn rates(limits: &Limits) -> [Rate; 3] {
    let failed_address = Rate::per_minute(
        limits.failed_logins_per_address_per_minute,
        limits.failed_logins_per_address_burst,
    );
    [
        Rate::per_minute(limits.registrations_per_minute, limits.registrations_per_minute),
        Rate::per_minute(limits.failed_logins_per_minute, limits.failed_logins_burst),
        failed_address,
    ]
}

/// What works for sessions, and for their users.
fn start_for_sessions(node: &Arc<Node>, flushes: Flushes, untold: Option<Untold>, tasks: &TaskTracker) {
    spawn(tasks, node, "acks", acks::run(Arc::clone(node), flushes));
    spawn(tasks, node, "listener", listener::run(Arc::clone(node)));
    spawn(tasks, node, "pull", pull::run(Arc::clone(node)));
    spawn(tasks, node, "presence", presence::run(Arc::clone(node)));
    spawn(tasks, node, "connections", connections::sweep(Arc::clone(node)));
    if let Some(untold) = untold {
        spawn(tasks, node, "hooks", hooks::run(Arc::clone(node), untold));
    }
}

/// What tells how the node and its backends are doing.
fn start_watching(node: &Arc<Node>, tasks: &TaskTracker) {
    spawn(tasks, node, "meters", meters::sample(Arc::clone(node)));
    spawn(tasks, node, "probe", probe::run(Arc::clone(node)));
    spawn(tasks, node, "watch", watch::run(Arc::clone(node)));
    spawn(tasks, node, "status", status::run(Arc::clone(node)));
}
