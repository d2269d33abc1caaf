//! The section `[limits]`: every field of [`Limits`], in a form that files and flags can hold.

use std::time::Duration;

use chat_core::Limits;
use serde::{Deserialize, Serialize};

/// A duration as people write it: `30s`, `200ms`, `30days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Period(#[serde(with = "humantime_serde")] Duration);

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

/// Defines the section. A field that [`Limits`] gains or loses does not compile until it is
/// gained or lost here too.
macro_rules! limit_settings {
    ($($field:ident: $type:ty,)+) => {
        /// The settings of the section `[limits]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(crate) struct LimitSettings {
            $(pub(crate) $field: $type,)+
        }

        impl From<Limits> for LimitSettings {
            fn from(limits: Limits) -> Self {
                Self { $($field: limits.$field.into(),)+ }
            }
        }

        impl From<LimitSettings> for Limits {
            fn from(settings: LimitSettings) -> Self {
                Self { $($field: settings.$field.into(),)+ }
            }
        }
    };
}

limit_settings! {
    max_frame: usize,
    connections: usize,
    connections_per_address: usize,
    login_timeout: Period,
    idle_timeout: Period,
    close_timeout: Period,

    requests_per_second: u32,
    requests_burst: u32,
    errors_per_second: u32,
    errors_burst: u32,
    registrations_per_minute: u32,
    failed_logins_per_minute: u32,
    failed_logins_burst: u32,
    failed_logins_per_address_per_minute: u32,
    failed_logins_per_address_burst: u32,
    remembered_addresses: usize,

    password_hashes: usize,
    password_queue: usize,
    token_lifetime: Period,
    tokens_per_user: usize,
    devices_per_user: usize,
    friends_per_user: usize,
    groups_per_user: usize,
    members_per_group: usize,

    pipelined_sends: usize,
    writer_shards: usize,
    writer_queue: usize,
    writer_batch: usize,
    store_timeout: Period,
    retry_after: Period,

    session_notices: usize,
    session_own_messages: usize,
    session_conversations: usize,
    delivery_page: usize,
    outbox_bytes: usize,
    delivery_reads: usize,

    pending_acks: usize,
    ack_interval: Period,
    bus_queue: usize,
    bus_buffer: usize,
    bus_timeout: Period,
    pull_interval: Period,
    pull_interval_without_bus: Period,
    background_page: usize,

    presence_lease: Period,
    presence_interval: Period,
    presence_changes: usize,
    presence_reads: usize,
    presence_check: Period,
    presence_timeout: Period,

    hook_timeout: Period,
    after_hook_timeout: Period,
    hook_queue: usize,
    hooks_at_once: usize,

    slow_request: Period,
    status_interval: Period,
    store_probe_interval: Period,
    store_probe_timeout: Period,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Limits::default().into()
    }
}
