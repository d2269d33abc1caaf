//! What a node counts and measures.
//!
//! Made once, when the node starts, from the recorder installed then: on the hot path counting is an
//! atomic addition, without a look-up. Totals and latencies are kept a second time for the node's own
//! status record, since the `metrics` facade gives nothing back.

mod backend;
mod hooks;
mod latency;
mod requests;
mod sample;
mod tally;

use std::time::Duration;

use metrics::{Counter, Histogram};

use crate::meters::catalogue as metric;
use crate::spelled::spelled;

pub(crate) use backend::BackendMeters;
pub(crate) use hooks::{AfterOutcome, BeforeOutcome, HookMeters};
pub(crate) use latency::{Latency, Quantiles};
pub(crate) use requests::Requests;
pub(crate) use sample::{run as sample, waiting};
pub(crate) use tally::Tally;

spelled!(
    /// What waits in a node, of all its sessions together.
    Queue {
        /// Messages for the store.
        Writer = "writer",
        /// Acknowledgements.
        Acks = "acks",
        /// Notices for the bus.
        Notices = "notices",
        /// Changes of presence.
        Presence = "presence",
        /// Passwords to be hashed.
        Passwords = "passwords",
        /// Calls of hooks after requests.
        Hooks = "hooks",
        /// Records for the event log.
        Log = "log",
    }
);

spelled!(
    /// How a login or a registration ended.
    Outcome {
        /// It was done.
        Ok = "ok",
        /// The name, password or token was wrong.
        InvalidCredentials = "invalid_credentials",
        /// The name was taken.
        NameTaken = "name_taken",
        /// There is no such user.
        NotFound = "not_found",
        /// There were too many.
        RateLimited = "rate_limited",
        /// The store could not be reached.
        Unavailable = "unavailable",
        /// There is a defect.
        Internal = "internal",
        /// A hook refused it, with a code that is none of these.
        Refused = "refused",
    }
);

/// What a node counts and measures.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) requests: Requests,
    pub(crate) connections_accepted: Counter,
    /// Messages stored.
    pub(crate) sends: Tally,
    pub(crate) duplicates: Counter,
    /// Messages handed to sessions.
    pub(crate) deliveries: Tally,
    pub(crate) delivery_read_seconds: Histogram,
    pub(crate) writer_batch: Histogram,
    pub(crate) acks: Counter,
    pub(crate) notices_published: Counter,
    pub(crate) notices_received: Counter,
    /// From taking a message to its outcome.
    pub(crate) send: Latency,
    send_seconds: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            requests: Requests::new(),
            connections_accepted: metric::CONNECTIONS_ACCEPTED.count(&[]),
            sends: Tally::new(metric::SENDS.count(&[])),
            duplicates: metric::DUPLICATES.count(&[]),
            deliveries: Tally::new(metric::DELIVERIES.count(&[])),
            delivery_read_seconds: metric::DELIVERY_READ_SECONDS.distribution(&[]),
            writer_batch: metric::WRITER_BATCH.distribution(&[]),
            acks: metric::ACKS.count(&[]),
            notices_published: metric::NOTICES_PUBLISHED.count(&[]),
            notices_received: metric::NOTICES_RECEIVED.count(&[]),
            send: Latency::new(),
            send_seconds: metric::SEND_SECONDS.distribution(&[]),
        }
    }

    /// Sends were answered that took this long.
    pub(crate) fn sends_answered(&self, durations: &[Duration]) {
        durations
            .iter()
            .for_each(|duration| self.send_seconds.record(*duration));
        self.send.add(durations.iter().copied());
    }
}
