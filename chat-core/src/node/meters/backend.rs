//! Calls to one backend.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::latency::Latency;
use crate::meters::catalogue as metric;
use crate::node::gate::Access;
use crate::node::limit::{Limit, LimitHits};

/// What is counted and measured of the calls to one backend.
#[derive(Debug)]
pub(crate) struct BackendMeters {
    pub(crate) backend: &'static str,
    time_limit: Limit,
    limit_hits: Arc<LimitHits>,
    reads: Histogram,
    writes: Histogram,
    appends: Histogram,
    pub(crate) available: Gauge,
    pub(crate) errors: Counter,
    pub(crate) defects: Counter,
    /// The time of all its calls.
    pub(crate) calls: Latency,
}

impl BackendMeters {
    pub(crate) fn store(limit_hits: &Arc<LimitHits>) -> Self {
        let seconds = ["read", "write", "append"].map(|call| metric::STORE_SECONDS.distribution(&[call]));
        Self::new("store", seconds, Limit::StoreTimeout, limit_hits)
    }

    pub(crate) fn bus(limit_hits: &Arc<LimitHits>) -> Self {
        let seconds = ["subscribe", "subscribe", "publish"];
        let seconds = seconds.map(|call| metric::BUS_SECONDS.distribution(&[call]));
        Self::new("bus", seconds, Limit::BusTimeout, limit_hits)
    }

    pub(crate) fn presence(limit_hits: &Arc<LimitHits>) -> Self {
        let seconds = metric::PRESENCE_SECONDS.distribution(&[]);
        let seconds = [seconds.clone(), seconds.clone(), seconds];
        Self::new("presence", seconds, Limit::PresenceTimeout, limit_hits)
    }

    fn new(
        backend: &'static str,
        [reads, writes, appends]: [Histogram; 3],
        time_limit: Limit,
        limit_hits: &Arc<LimitHits>,
    ) -> Self {
        Self {
            backend,
            time_limit,
            limit_hits: Arc::clone(limit_hits),
            reads,
            writes,
            appends,
            available: metric::BACKEND_AVAILABLE.level(&[backend]),
            errors: metric::BACKEND_ERRORS.count(&[backend]),
            defects: metric::BACKEND_DEFECTS.count(&[backend]),
            calls: Latency::new(),
        }
    }

    /// A call was given up.
    pub(crate) fn timed_out(&self) {
        self.limit_hits.hit(self.time_limit);
    }

    /// A call has ended, in whatever way.
    pub(crate) fn ended(&self, access: Access, duration: Duration) {
        let seconds = match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
            Access::Append => &self.appends,
        };
        seconds.record(duration);
        self.calls.add([duration]);
    }
}
