//! What the nodes of a run stand on.

use std::sync::Arc;
use std::time::Duration;

use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::MemoryBackends;
use chat_core::ports::{Backends, Stores};
use chat_core::{Clock, Limits, Timestamp};
use tokio::time::Instant;

use crate::defects::{Defect, Messages, SwallowsGaps};

/// What the nodes stand on.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    /// Notices that the bus loses without a word.
    pub(crate) lost_per_mille: u16,
    pub(crate) session_notices: usize,
    pub(crate) delivery_page: usize,
    pub(crate) bus_buffer: usize,
    pub(crate) pull_interval: Duration,
    /// The time that a page takes to arrive once the store has read it.
    pub(crate) latency: Duration,
    pub(crate) defect: Option<Defect>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            seed: 1,
            lost_per_mille: 0,
            session_notices: 4,
            delivery_page: 3,
            bus_buffer: 64,
            pull_interval: Duration::from_millis(50),
            latency: Duration::ZERO,
            defect: None,
        }
    }
}

pub(crate) fn limits(setting: &Setting) -> Limits {
    Limits {
        session_notices: setting.session_notices,
        delivery_page: setting.delivery_page,
        bus_buffer: setting.bus_buffer,
        pull_interval: setting.pull_interval,
        pull_interval_without_bus: Duration::from_millis(10),
        ack_interval: Duration::from_millis(10),
        retry_after: Duration::from_millis(20),
        writer_batch: 3,
        background_page: 3,
        ..Limits::default()
    }
}

pub(crate) fn backends(setting: &Setting, faults: &Faults) -> Backends {
    let shared = MemoryBackends::new(Arc::new(PausedClock(Instant::now())));
    let messages = Messages::new(Arc::clone(&shared.store), setting.defect, setting.latency);
    let messages = Arc::new(messages);
    let all = shared.backends();
    let bus = if setting.defect == Some(Defect::SwallowsGaps) {
        Arc::new(SwallowsGaps(shared.bus)) as _
    } else {
        all.bus
    };
    Backends {
        stores: Stores {
            messages: Arc::clone(&messages) as _,
            devices: messages,
            ..all.stores
        },
        bus: Arc::new(Faulty::new(bus, faults.clone())),
        ..all
    }
}

/// The time of day that goes with tokio's paused time.
#[derive(Debug)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000).after(self.0.elapsed())
    }
}
