//! The metrics of this crate.

use super::{Label, Metric, MetricUnit};
use crate::error::{ErrorCode, GoodbyeCode};
use crate::hooks::HookedRequest;
use crate::node::{AfterOutcome, BeforeOutcome, Limit, Outcome, Queue};
use crate::protocol::RequestType;

const REQUEST: &[Label] = &[Label {
    name: "request",
    values: RequestType::SPELLINGS,
}];
const HOOKED_REQUEST: Label = Label {
    name: "request",
    values: HookedRequest::SPELLINGS,
};
const QUEUE: &[Label] = &[Label {
    name: "queue",
    values: Queue::SPELLINGS,
}];
const BACKEND: &[Label] = &[Label {
    name: "backend",
    values: &["store", "bus", "presence"],
}];
const OUTCOME: Label = Label {
    name: "outcome",
    values: Outcome::SPELLINGS,
};

/// The codes of goodbyes, and an end without one.
const CLOSE_REASONS: &[&str] = &{
    let mut reasons = [DISCONNECTED; GoodbyeCode::SPELLINGS.len() + 1];
    let (codes, _) = reasons.split_at_mut(GoodbyeCode::SPELLINGS.len());
    codes.copy_from_slice(GoodbyeCode::SPELLINGS);
    reasons
};
/// The reason of a connection's end without a goodbye.
pub(crate) const DISCONNECTED: &str = "disconnected";

macro_rules! metrics {
    ($($name:ident = $metric:expr;)+) => {
        $(pub(crate) const $name: Metric = $metric;)+

        /// Every metric of this crate.
        pub const METRICS: &[Metric] = &[$($name),+];
    };
}

metrics! {
    // ---- connections and sessions ----
    CONNECTIONS = Metric::gauge("chat_connections", "Open connections");
    CONNECTIONS_LIMIT = Metric::gauge("chat_connections_limit", "Connections that may be open at once: limits.connections");
    CONNECTIONS_ACCEPTED = Metric::counter("chat_connections_accepted_total", "Connections admitted");
    CONNECTIONS_CLOSED = Metric::counter(
        "chat_connections_closed_total",
        "Connections ended, by the goodbye that ended them, or disconnected where the client or the network did",
    )
    .by(&[Label { name: "reason", values: CLOSE_REASONS }]);
    GOODBYES = Metric::counter("chat_goodbyes_total", "Goodbyes told to clients, also to those that were not admitted")
        .by(&[Label { name: "code", values: GoodbyeCode::SPELLINGS }]);
    SESSIONS = Metric::gauge("chat_sessions", "Sessions on this node");
    USERS = Metric::gauge("chat_users_online", "Users with a session on this node");
    TOPICS = Metric::gauge("chat_topics", "Topics that this node listens to on the bus: its users and their groups");

    // ---- requests ----
    REQUESTS = Metric::counter("chat_requests_total", "Frames taken from clients, by the type of request, or invalid for those that are none")
        .by(REQUEST);
    REQUEST_SECONDS = Metric::seconds("chat_request_seconds", "From a frame to its reply being ready to be written, by the type of request")
        .by(REQUEST);
    ERRORS = Metric::counter("chat_errors_total", "Errors told to clients")
        .by(&[Label { name: "code", values: ErrorCode::SPELLINGS }]);
    LIMIT_HITS = Metric::counter("chat_limit_hits_total", "Times at which somebody or something reached a limit, by its name in limits")
        .by(&[Label { name: "limit", values: Limit::SPELLINGS }]);
    LOGINS = Metric::counter("chat_logins_total", "Logins, also those of the host application for its users, by how they ended")
        .by(&[
            Label { name: "method", values: &["password", "token", "host"] },
            OUTCOME,
        ]);
    REGISTRATIONS = Metric::counter("chat_registrations_total", "Registrations, by how they ended")
        .by(&[OUTCOME]);
    PASSWORD_WAIT_SECONDS = Metric::seconds("chat_password_wait_seconds", "The time that a password waited for its turn to be hashed");
    PASSWORD_HASH_SECONDS = Metric::seconds("chat_password_hash_seconds", "The time of hashing one password");

    // ---- messages ----
    SENDS = Metric::counter("chat_messages_stored_total", "Messages stored through this node");
    DUPLICATES = Metric::counter("chat_messages_duplicate_total", "Sends answered with a message that was stored before under the same id");
    SEND_SECONDS = Metric::seconds("chat_send_seconds", "From taking a message to its sent, or to its failure");
    WRITER_BATCH = Metric::histogram("chat_writer_batch_messages", "Messages in one transaction");
    DELIVERIES = Metric::counter("chat_deliveries_total", "Messages handed to sessions to be written to their clients");
    DELIVERY_READS = Metric::gauge("chat_delivery_reads", "Sessions that read the store for their delivery at this moment");
    DELIVERY_READS_LIMIT = Metric::gauge("chat_delivery_reads_limit", "Sessions that may do so at once: limits.delivery_reads");
    DELIVERY_READ_SECONDS = Metric::seconds("chat_delivery_read_seconds", "The time of such a read, with the wait for its turn");
    ACKS = Metric::counter("chat_acks_total", "Acknowledgements that moved a device's position");
    ACKS_DROPPED = Metric::counter("chat_acks_dropped_total", "Acknowledgements beyond limits.pending_acks");
    EVENTS_DROPPED = Metric::counter("chat_events_dropped_total", "Events but messages that found no room in a session");

    // ---- the queues ----
    QUEUE_WAITING = Metric::gauge(
        "chat_queue_waiting",
        "What waits: messages for the store (writer), acknowledgements (acks), notices for the bus (notices), \
         changes of presence (presence), passwords to be hashed (passwords), calls of hooks after requests (hooks), records for the event log (log)",
    )
    .by(QUEUE);
    QUEUE_LIMIT = Metric::gauge("chat_queue_limit", "How much of it may wait; 0 for the event log, whose bound is its own")
        .by(QUEUE);

    // ---- the backends ----
    STORE_SECONDS = Metric::seconds("chat_store_call_seconds", "The time of a call to the store: append stores messages, write is any other change")
        .by(&[Label { name: "call", values: &["append", "read", "write"] }]);
    BUS_SECONDS = Metric::seconds("chat_bus_call_seconds", "The time of a call to the bus: publish sends notices, subscribe changes what this node hears")
        .by(&[Label { name: "call", values: &["publish", "subscribe"] }]);
    PRESENCE_SECONDS = Metric::seconds("chat_presence_call_seconds", "The time of a call to presence");
    BACKEND_AVAILABLE = Metric::flag("chat_backend_available", "Whether the last call to a backend came through")
        .by(&[Label { name: "backend", values: &["store", "bus", "presence", "log"] }]);
    BACKEND_ERRORS = Metric::counter("chat_backend_errors_total", "Calls to a backend that failed, or were not answered in time")
        .by(BACKEND);
    BACKEND_DEFECTS = Metric::counter("chat_backend_defects_total", "Calls to a backend whose answer cannot be right")
        .by(BACKEND);
    NOTICES_PUBLISHED = Metric::counter("chat_bus_notices_published_total", "Notices given to the bus");
    NOTICES_RECEIVED = Metric::counter("chat_bus_notices_received_total", "Notices of other nodes");
    NOTICES_DROPPED = Metric::counter("chat_bus_notices_dropped_total", "Notices beyond limits.bus_queue");
    BUS_GAPS = Metric::counter("chat_bus_gaps_total", "Times at which the bus may have lost something");
    PRESENCE_DROPPED = Metric::counter("chat_presence_changes_dropped_total", "Changes beyond limits.presence_changes");
    LOG_DROPPED = Metric::counter("chat_log_records_dropped_total", "Records that the event log had no room for");
    LOG_LATENCY = Metric::gauge("chat_log_latency_seconds", "From a record to its being in the event log, of the last batch that got there")
        .in_unit(MetricUnit::Seconds);

    // ---- hooks of the application that embeds the chat ----
    BEFORE_HOOKS = Metric::counter("chat_before_hooks_total", "Hooks asked before requests, by the type of request and by what they came to")
        .by(&[HOOKED_REQUEST, Label { name: "outcome", values: BeforeOutcome::SPELLINGS }]);
    BEFORE_HOOK_SECONDS = Metric::seconds("chat_before_hook_seconds", "The time of a hook before a request, for which the request waited")
        .by(&[HOOKED_REQUEST]);
    AFTER_HOOKS = Metric::counter("chat_after_hooks_total", "Hooks told after requests, by the type of request and by what they came to; dropped are those beyond limits.hook_queue, and those not done when the node ended")
        .by(&[HOOKED_REQUEST, Label { name: "outcome", values: AfterOutcome::SPELLINGS }]);
    AFTER_HOOK_SECONDS = Metric::seconds("chat_after_hook_seconds", "The time of a hook after a request, for which nobody waited")
        .by(&[HOOKED_REQUEST]);

    // ---- the node ----
    READY = Metric::flag("chat_ready", "Whether the node serves: what /readyz answers");
    DRAINING = Metric::flag("chat_draining", "Whether the node says goodbye to its connections");
}
