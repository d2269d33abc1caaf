//! The status record: how the node is doing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, MissedTickBehavior};

use super::Node;
use super::journal::millis;
use super::meters::{Quantiles, waiting};
use crate::operation::{NotReady, UsageSource};
use crate::ports::Level;

/// What the next status compares with.
#[derive(Debug)]
pub(crate) struct StatusSource {
    started_at: Instant,
    usage: UsageSource,
    last: Mutex<Last>,
}

/// When somebody last asked how long the processors had worked, and what the answer was.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: Instant,
    cpu: Option<Duration>,
}

impl StatusSource {
    pub(crate) fn new(usage: UsageSource) -> Self {
        let now = Instant::now();
        let last = Last {
            at: now,
            cpu: usage.now().cpu,
        };
        Self {
            started_at: now,
            usage,
            last: Mutex::new(last),
        }
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Memory, and how many cores were kept busy since the last time.
    fn usage(&self) -> (Option<u64>, Option<f64>) {
        let usage = self.usage.now();
        let now = Last {
            at: Instant::now(),
            cpu: usage.cpu,
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, now);
        let passed = (now.at - before.at).as_secs_f64();
        let consumed = now
            .cpu
            .zip(before.cpu)
            .map(|(now, before)| now.saturating_sub(before));
        let cores = consumed.map(|consumed| consumed.as_secs_f64() / passed);
        (usage.memory_bytes, cores.filter(|cores| cores.is_finite()))
    }
}

/// Records a status now and then until the node stops.
pub(crate) async fn run(node: Arc<Node>) {
    let interval = node.limits.status_interval;
    if interval.is_zero() {
        return;
    }
    let mut tick = tokio::time::interval_at(Instant::now() + interval, interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while node.stop.run_until_cancelled(tick.tick()).await.is_some() {
        record(&node);
    }
}

/// Records a status.
pub(crate) fn record(node: &Node) {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    put_state(node, &mut put);
    put_counts(node, &mut put);
    put_queues(node, &mut put);
    put_latencies(node, &mut put);
    put_log(node, &mut put);
    let (memory, cores) = node.status.usage();
    put("memory_bytes", memory.into());
    put("cpu_cores", cores.into());
    node.journal.record_all(Level::Info, "status", fields);
}

fn put_state(node: &Node, put: &mut impl FnMut(&str, Value)) {
    let reasons = node.readiness().reasons;
    let state = match &reasons[..] {
        [] => "ready",
        reasons if reasons.contains(&NotReady::Draining) => "draining",
        _ => "not_ready",
    };
    let reasons: Vec<_> = reasons.into_iter().map(NotReady::as_str).collect();
    put("uptime_ms", millis(node.status.uptime()));
    put("state", state.into());
    put(
        "not_ready",
        (!reasons.is_empty())
            .then_some(reasons)
            .map_or(Value::Null, Value::from),
    );
    put("store_away", (!node.store.is_available()).into());
    put("bus_away", (!node.bus.is_available()).into());
    put("presence_away", (!node.presence.is_available()).into());
}

fn put_counts(node: &Node, put: &mut impl FnMut(&str, Value)) {
    let (users, _) = node.hub.topic_counts();
    put("connections", node.connections.count().into());
    put("sessions", node.hub.session_count().into());
    put("users", users.into());
    put("sends_total", node.meters.sends.total().into());
    put("deliveries_total", node.meters.deliveries.total().into());
    put("requests_total", node.meters.requests.total().into());
    put("errors_total", node.meters.requests.errors_total().into());
}

fn put_queues(node: &Node, put: &mut impl FnMut(&str, Value)) {
    for (queue, waiting) in waiting(node) {
        put(&format!("{}_waiting", queue.as_str()), waiting.into());
    }
}

fn put_latencies(node: &Node, put: &mut impl FnMut(&str, Value)) {
    let latencies = [
        ("store", &node.store.meters().calls),
        ("bus", &node.bus.meters().calls),
        ("presence", &node.presence.meters().calls),
        ("send", &node.meters.send),
    ];
    for (name, latency) in latencies {
        if let Some(Quantiles { p50, p99 }) = latency.take() {
            put(&format!("{name}_p50_ms"), millis(p50));
            put(&format!("{name}_p99_ms"), millis(p99));
        }
    }
}

fn put_log(node: &Node, put: &mut impl FnMut(&str, Value)) {
    let log = node.backends.log.status();
    put("log_dropped_total", log.dropped.into());
    put("log_latency_ms", log.latency.map_or(Value::Null, millis));
    put("log_away", log.is_away.into());
}
