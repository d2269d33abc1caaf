//! What is looked at once a second, because the hot path should not have to say it.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge};
use tokio::time::MissedTickBehavior;

use super::Queue;
use crate::meters::catalogue as metric;
use crate::node::Node;
use crate::node::hooks::NodeHooks;

/// The time between two looks.
const PERIOD: Duration = Duration::from_secs(1);

struct Gauges {
    connections: Gauge,
    sessions: Gauge,
    users: Gauge,
    topics: Gauge,
    delivery_reads: Gauge,
    log_available: Gauge,
    log_latency: Gauge,
    log_dropped: Counter,
    ready: Gauge,
    draining: Gauge,
}

impl Gauges {
    fn new() -> Self {
        Self {
            connections: metric::CONNECTIONS.level(&[]),
            sessions: metric::SESSIONS.level(&[]),
            users: metric::USERS.level(&[]),
            topics: metric::TOPICS.level(&[]),
            delivery_reads: metric::DELIVERY_READS.level(&[]),
            log_available: metric::BACKEND_AVAILABLE.level(&["log"]),
            log_latency: metric::LOG_LATENCY.level(&[]),
            log_dropped: metric::LOG_DROPPED.count(&[]),
            ready: metric::READY.level(&[]),
            draining: metric::DRAINING.level(&[]),
        }
    }

    fn sample(&self, node: &Node) {
        set_count(&self.connections, node.connections.count());
        set_count(&self.sessions, node.hub.session_count());
        let (users, topics) = node.hub.topic_counts();
        set_count(&self.users, users);
        set_count(&self.topics, topics);
        let reads = node.limits.delivery_reads.max(1) - node.delivery_reads.available_permits();
        set_count(&self.delivery_reads, reads);
        for (queue, waiting) in waiting(node) {
            set_count(&metric::QUEUE_WAITING.level(&[queue.as_str()]), waiting);
        }
        let log = node.backends.log.status();
        set_flag(&self.log_available, !log.is_away);
        self.log_latency.set(log.latency.unwrap_or_default());
        self.log_dropped.absolute(log.dropped);
        set_flag(&self.draining, node.connections.is_draining());
        set_flag(&self.ready, node.readiness().is_ready());
    }
}

/// How much waits in each of the node's queues.
pub(crate) fn waiting(node: &Node) -> [(Queue, usize); 7] {
    [
        (Queue::Writer, node.writer.waiting()),
        (Queue::Acks, node.acks.waiting()),
        (Queue::Notices, node.publisher.waiting()),
        (Queue::Presence, node.changes.waiting()),
        (Queue::Passwords, node.passwords.waiting()),
        (Queue::Hooks, node.hooks.as_ref().map_or(0, NodeHooks::waiting)),
        (Queue::Log, node.backends.log.status().waiting),
    ]
}

/// Samples until the node stops, and once more when it has.
pub(crate) async fn run(node: Arc<Node>) {
    set_limits(&node);
    let gauges = Gauges::new();
    let mut second = tokio::time::interval(PERIOD);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while node.stop.run_until_cancelled(second.tick()).await.is_some() {
        gauges.sample(&node);
    }
    gauges.sample(&node);
}

fn set_limits(node: &Node) {
    let limits = &node.limits;
    let queues = [
        (
            Queue::Writer,
            limits.writer_shards.max(1) * limits.writer_queue.max(1),
        ),
        (Queue::Acks, limits.pending_acks),
        (Queue::Notices, limits.bus_queue.max(1)),
        (Queue::Presence, limits.presence_changes),
        (Queue::Passwords, limits.password_queue),
        (Queue::Hooks, limits.hook_queue.max(1)),
    ];
    for (queue, limit) in queues {
        set_count(&metric::QUEUE_LIMIT.level(&[queue.as_str()]), limit);
    }
    set_count(&metric::CONNECTIONS_LIMIT.level(&[]), limits.connections);
    set_count(
        &metric::DELIVERY_READS_LIMIT.level(&[]),
        limits.delivery_reads.max(1),
    );
}

fn set_count(gauge: &Gauge, count: usize) {
    gauge.set(count as f64);
}

fn set_flag(gauge: &Gauge, is_set: bool) {
    gauge.set(if is_set { 1.0 } else { 0.0 });
}
