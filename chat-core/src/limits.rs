//! Every size, rate and time-out of the system, with its default, in one place.

use std::time::Duration;

/// The bounds of a node. Each queue, buffer, batch, page, wait and rate has its field here.
///
/// ```
/// use chat_core::Limits;
///
/// let limits = Limits { max_frame: 16_384, ..Limits::default() };
/// assert_eq!(limits.pipelined_sends, 64);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The longest frame, in bytes without its line end; also the size that replies in pages keep to.
    pub max_frame: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_address: usize,
    /// The time from connecting to a login.
    pub login_timeout: Duration,
    /// The time without a frame from the client after which a connection is closed; zero for never.
    pub idle_timeout: Duration,
    /// The time that a closing connection gets to write what is due.
    pub close_timeout: Duration,

    /// Requests a second of one connection, once its burst is used up.
    pub requests_per_second: u32,
    /// Requests that a connection may make at once.
    pub requests_burst: u32,
    /// Failed requests a second of one connection, once its burst is used up.
    pub errors_per_second: u32,
    /// Failed requests of one connection before it is closed.
    pub errors_burst: u32,
    /// Registrations a minute from one address.
    pub registrations_per_minute: u32,
    /// Failed logins a minute for one name or id from one address, once its burst is used up.
    pub failed_logins_per_minute: u32,
    /// Failed logins for one name or id from one address before they are limited.
    pub failed_logins_burst: u32,
    /// Failed logins a minute from one address, whatever the names, once its burst is used up.
    pub failed_logins_per_address_per_minute: u32,
    /// Failed logins from one address, whatever the names, before they are limited.
    pub failed_logins_per_address_burst: u32,
    /// Addresses, and names at addresses, whose failures and registrations are remembered; the
    /// least recent are forgotten beyond it.
    pub remembered_addresses: usize,

    /// Passwords hashed at once; each takes a core and 19 MiB. 0 for half of the cores, at least one.
    pub password_hashes: usize,
    /// Logins and registrations that wait for their hash; beyond it they are `rate_limited`.
    pub password_queue: usize,
    /// How long a token is valid.
    pub token_lifetime: Duration,
    /// Tokens of one user; beyond it the oldest is forgotten.
    pub tokens_per_user: usize,
    /// Devices of one user; beyond it the one unseen for longest is forgotten.
    pub devices_per_user: usize,
    /// Friends of one user.
    pub friends_per_user: usize,
    /// Groups of one user.
    pub groups_per_user: usize,
    /// Members of one group.
    pub members_per_group: usize,

    /// Sends of one connection that may wait for their replies.
    pub pipelined_sends: usize,
    /// Shards of the writer; a conversation always has the same one.
    pub writer_shards: usize,
    /// Messages that may wait in one shard.
    pub writer_queue: usize,
    /// Messages in one transaction.
    pub writer_batch: usize,
    /// The time a call to a store may take.
    pub store_timeout: Duration,
    /// The advice to clients when a backend is away.
    pub retry_after: Duration,

    /// Notices that wait in one session before it falls back to reading the store.
    pub session_notices: usize,
    /// Own messages that a session remembers until its delivery has passed them.
    pub session_own_messages: usize,
    /// Conversations whose positions one session keeps in memory.
    pub session_conversations: usize,
    /// Messages that a session reads from the store at once.
    pub delivery_page: usize,
    /// Bytes that are handed to a transport at once, beyond the last frame.
    pub outbox_bytes: usize,
    /// Sessions of one node that may read the store for delivery at the same time.
    pub delivery_reads: usize,

    /// Acknowledgements that may wait to be written.
    pub pending_acks: usize,
    /// The time that acknowledgements are gathered.
    pub ack_interval: Duration,
    /// Notices that may wait to be published; beyond it the receivers learn by pull.
    pub bus_queue: usize,
    /// Items that a node's subscription buffers.
    pub bus_buffer: usize,
    /// The time a call to the bus may take.
    pub bus_timeout: Duration,
    /// The time between two pulls of what the bus may have lost, while it seems healthy.
    pub pull_interval: Duration,
    /// The time between two pulls while the bus is away.
    pub pull_interval_without_bus: Duration,
    /// Rows read at once by background work.
    pub background_page: usize,

    /// How long a presence lease lasts.
    ///
    /// Friends of the users of a killed node learn that they are offline when the lease has ended and
    /// another node has looked, which it does each `presence_interval`: the sum of the two is the
    /// longest time, and the telling comes after it. With the defaults that is 12 s, which leaves 3 s
    /// of the 15 s that users may have to wait. Two renewals in a row may fail before anybody is taken
    /// for offline.
    pub presence_lease: Duration,
    /// The time between two renewals of the leases.
    pub presence_interval: Duration,
    /// Changes of presence that may wait to be written and told.
    pub presence_changes: usize,
    /// Users whose friends are looked up at the same time, to be told of a change.
    pub presence_reads: usize,
    /// The time between two checks of the stored states, beside those after a failure.
    pub presence_check: Duration,
    /// The time a call to presence may take.
    pub presence_timeout: Duration,

    /// The time that a hook has to decide about a request, see [`hooks`](crate::hooks).
    pub hook_timeout: Duration,
    /// The time that a hook may take after a request; when the node stops, all that wait together.
    pub after_hook_timeout: Duration,
    /// Calls of hooks after requests that may wait; beyond it they are dropped.
    pub hook_queue: usize,
    /// Hooks after requests that run at the same time; with 1 each ends before the next one begins.
    pub hooks_at_once: usize,

    /// The time from which on a request is recorded as slow; zero for never.
    pub slow_request: Duration,
    /// The time between two status records; zero for never.
    pub status_interval: Duration,
    /// The time between two questions whether the store is there; zero for never.
    ///
    /// Together with `store_probe_timeout` the longest time in which an idle node finds out that the
    /// store has gone or is back.
    pub store_probe_interval: Duration,
    /// The time that the store has to answer such a question.
    pub store_probe_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 65_536,
            connections: 65_536,
            connections_per_address: 16_384,
            login_timeout: Duration::from_secs(30),
            idle_timeout: Duration::ZERO,
            close_timeout: Duration::from_secs(5),
            requests_per_second: 20_000,
            requests_burst: 20_000,
            errors_per_second: 10,
            errors_burst: 1_000,
            registrations_per_minute: 1_200,
            failed_logins_per_minute: 10,
            failed_logins_burst: 10,
            failed_logins_per_address_per_minute: 60,
            failed_logins_per_address_burst: 200,
            remembered_addresses: 100_000,
            password_hashes: 0,
            password_queue: 2_048,
            token_lifetime: Duration::from_secs(30 * 24 * 3_600),
            tokens_per_user: 100,
            devices_per_user: 100,
            friends_per_user: 1_000,
            groups_per_user: 1_000,
            members_per_group: 100_000,
            pipelined_sends: 64,
            writer_shards: 1,
            writer_queue: 4_096,
            writer_batch: 512,
            store_timeout: Duration::from_secs(5),
            retry_after: Duration::from_secs(1),
            session_notices: 256,
            session_own_messages: 1_024,
            session_conversations: 1_024,
            delivery_page: 100,
            outbox_bytes: 65_536,
            delivery_reads: 16,
            pending_acks: 65_536,
            ack_interval: Duration::from_millis(200),
            bus_queue: 16_384,
            bus_buffer: 16_384,
            bus_timeout: Duration::from_secs(2),
            pull_interval: Duration::from_secs(5),
            pull_interval_without_bus: Duration::from_millis(500),
            background_page: 1_000,
            presence_lease: Duration::from_secs(9),
            presence_interval: Duration::from_secs(3),
            presence_changes: 65_536,
            presence_reads: 8,
            presence_check: Duration::from_secs(300),
            presence_timeout: Duration::from_secs(2),
            hook_timeout: Duration::from_millis(300),
            after_hook_timeout: Duration::from_secs(5),
            hook_queue: 16_384,
            hooks_at_once: 16,
            slow_request: Duration::from_secs(1),
            status_interval: Duration::from_secs(5),
            store_probe_interval: Duration::from_millis(500),
            store_probe_timeout: Duration::from_secs(1),
        }
    }
}
